import JSONCodec

/// Reads the members of one JSON object strictly: a wrong type is an error, and so is a member that nobody asked for.
struct MessageFields {
    private let object: JSONObject
    /// What the object is, for messages: `create`, `attach stream`.
    private let subject: String
    private var asked: [String] = []

    init(_ value: JSONValue, _ subject: String) throws(ShimError) {
        guard case .object(let object) = value else {
            throw ShimError(.malformedMessage, "\(subject): expected an object")
        }
        self.object = object
        self.subject = subject
    }

    /// The member's value, nil where it is missing or null.
    mutating func optional(_ key: String) -> JSONValue? {
        asked.append(key)
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    mutating func required(_ key: String) throws(ShimError) -> JSONValue {
        guard let value = optional(key) else {
            throw ShimError(.malformedMessage, "\(subject): \(key) is missing")
        }
        return value
    }

    func mismatch(_ key: String, _ expected: String) -> ShimError {
        ShimError(.malformedMessage, "\(subject): \(key) is not \(expected)")
    }

    mutating func string(_ key: String) throws(ShimError) -> String {
        guard let value = try required(key).stringValue else { throw mismatch(key, "a string") }
        return value
    }

    mutating func optionalString(_ key: String) throws(ShimError) -> String? {
        guard let value = optional(key) else { return nil }
        guard let string = value.stringValue else { throw mismatch(key, "a string") }
        return string
    }

    mutating func integer<T: FixedWidthInteger>(_ key: String, as type: T.Type = T.self) throws(ShimError)
        -> T
    {
        guard let value = try optionalInteger(key, as: type) else {
            throw ShimError(.malformedMessage, "\(subject): \(key) is missing")
        }
        return value
    }

    mutating func optionalInteger<T: FixedWidthInteger>(
        _ key: String, as type: T.Type = T.self
    ) throws(ShimError) -> T? {
        guard let value = optional(key) else { return nil }
        if let signed = value.integerValue, let number = T(exactly: signed) { return number }
        if let unsigned = value.unsignedValue, let number = T(exactly: unsigned) { return number }
        throw mismatch(key, "an integer in range")
    }

    /// False where the member is missing.
    mutating func flag(_ key: String) throws(ShimError) -> Bool {
        guard let value = optional(key) else { return false }
        guard let bool = value.boolValue else { throw mismatch(key, "true or false") }
        return bool
    }

    /// Empty where the member is missing.
    mutating func array(_ key: String) throws(ShimError) -> [JSONValue] {
        guard let value = optional(key) else { return [] }
        guard let array = value.arrayValue else { throw mismatch(key, "an array") }
        return array
    }

    mutating func strings(_ key: String) throws(ShimError) -> [String] {
        var strings: [String] = []
        for value in try array(key) {
            guard let string = value.stringValue else { throw mismatch(key, "an array of strings") }
            strings.append(string)
        }
        return strings
    }

    /// Bytes, carried as pairs of hexadecimal digits; empty where the member is missing.
    mutating func bytes(_ key: String) throws(ShimError) -> [UInt8] {
        guard let text = try optionalString(key) else { return [] }
        guard let bytes = decodeHexadecimal(text) else { throw mismatch(key, "pairs of hexadecimal digits") }
        return bytes
    }

    /// Refuses what nobody asked for: a newer daemon's field must not be ignored silently by an older shim.
    func finish() throws(ShimError) {
        for key in object.keys where !asked.contains(key) {
            throw ShimError(.unsupported, "\(subject): this shim does not know the field \(key)")
        }
    }
}

/// Builds the members of one JSON object; what is nil, false or empty is left out.
struct MessageBuilder {
    private(set) var object = JSONObject()

    mutating func set(_ key: String, _ value: String?) { if let value { object[key] = .string(value) } }

    mutating func set(_ key: String, _ value: (some BinaryInteger)?) {
        guard let value else { return }
        object[key] = Int64(exactly: value).map(JSONValue.integer) ?? .unsigned(UInt64(value))
    }

    mutating func set(_ key: String, flag: Bool) { if flag { object[key] = .bool(true) } }

    mutating func set(_ key: String, bytes: [UInt8]) {
        if !bytes.isEmpty { object[key] = .string(encodeHexadecimal(bytes)) }
    }

    mutating func set(_ key: String, strings: [String]) {
        if !strings.isEmpty { object[key] = .array(strings.map(JSONValue.string)) }
    }

    mutating func set(_ key: String, value: JSONValue?) { if let value { object[key] = value } }

    var value: JSONValue { .object(object) }
}

func encodeHexadecimal(_ bytes: [UInt8]) -> String {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        text.append(digit(byte >> 4))
        text.append(digit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
}

func decodeHexadecimal(_ text: String) -> [UInt8]? {
    func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
    var bytes: [UInt8] = []
    var high: UInt8?
    for byte in text.utf8 {
        guard let value = digit(byte) else { return nil }
        if let first = high {
            bytes.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return high == nil ? bytes : nil
}
