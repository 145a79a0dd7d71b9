/// A value of the D-Bus wire format (D-Bus Specification, "Type System"), as far as a service manager uses it.
indirect enum DBusValue: Sendable, Equatable {
    case byte(UInt8)
    case boolean(Bool)
    case int32(Int32)
    case uint32(UInt32)
    case int64(Int64)
    case uint64(UInt64)
    case double(Double)
    case string(String)
    case objectPath(String)
    case signature(String)
    /// With the signature of one element, which an empty array has as well.
    case array(of: String, [DBusValue])
    case structure([DBusValue])
    case dictionaryEntry(DBusValue, DBusValue)
    case variant(DBusValue)

    var signature: String {
        switch self {
        case .byte: "y"
        case .boolean: "b"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .double: "d"
        case .string: "s"
        case .objectPath: "o"
        case .signature: "g"
        case .array(let element, _): "a" + element
        case .structure(let fields): "(" + fields.map(\.signature).joined() + ")"
        case .dictionaryEntry(let key, let value): "{" + key.signature + value.signature + "}"
        case .variant: "v"
        }
    }

    /// The text of a string, a path or a signature.
    var text: String? {
        switch self {
        case .string(let text), .objectPath(let text), .signature(let text): text
        default: nil
        }
    }

    static func strings(_ values: [String]) -> DBusValue { .array(of: "s", values.map(DBusValue.string)) }

    /// `ay`, as processors and memory nodes are given.
    static func bytes(_ values: [UInt8]) -> DBusValue { .array(of: "y", values.map(DBusValue.byte)) }
}

/// Where each complete type of a signature ends ("Type System": nested at most 32 arrays and 32 structures deep).
enum DBusSignature {
    static let longest = 255
    static let deepest = 32

    /// The complete types of a signature one by one; nil where it is not valid.
    static func types(_ signature: String) -> [String]? {
        let bytes = Array(signature.utf8)
        guard bytes.count <= longest else { return nil }
        var types: [String] = []
        var start = 0
        while start < bytes.count {
            guard let end = end(of: bytes, from: start, depth: 0) else { return nil }
            types.append(String(decoding: bytes[start..<end], as: UTF8.self))
            start = end
        }
        return types
    }

    /// One past the complete type that begins at `start`.
    private static func end(of bytes: [UInt8], from start: Int, depth: Int) -> Int? {
        guard start < bytes.count, depth <= deepest else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "a"):
            guard start + 1 < bytes.count, bytes[start + 1] == UInt8(ascii: "{") else {
                return end(of: bytes, from: start + 1, depth: depth + 1)
            }
            return members(of: bytes, from: start + 2, closing: UInt8(ascii: "}"), depth: depth + 1)
                .flatMap { $0.count == 2 ? $0.end : nil }
        case UInt8(ascii: "("):
            return members(of: bytes, from: start + 1, closing: UInt8(ascii: ")"), depth: depth + 1)
                .flatMap { $0.count > 0 ? $0.end : nil }
        case let byte where "ybnqiuxtdsogvh".utf8.contains(byte): return start + 1
        default: return nil
        }
    }

    private static func members(
        of bytes: [UInt8], from start: Int, closing: UInt8, depth: Int
    ) -> (count: Int, end: Int)? {
        var position = start
        var count = 0
        while position < bytes.count, bytes[position] != closing {
            guard let next = end(of: bytes, from: position, depth: depth) else { return nil }
            position = next
            count += 1
        }
        return position < bytes.count ? (count, position + 1) : nil
    }
}
