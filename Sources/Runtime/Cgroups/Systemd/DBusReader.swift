/// What is wrong with bytes that claim to be a D-Bus message.
struct DBusFormatError: Error, Equatable {
    let reason: String
}

/// Takes values out of the D-Bus wire format. The bytes are an outsider's: every length is checked before it is
/// used, nesting is limited, and no amount of memory is taken because a number says so.
struct DBusReader {
    private let bytes: ArraySlice<UInt8>
    private let start: Int
    private var position: Int
    private let isBigEndian: Bool

    /// - Parameter bytes: the message or its body, whose first byte has alignment 8
    init(_ bytes: ArraySlice<UInt8>, bigEndian: Bool = false) {
        self.bytes = bytes
        start = bytes.startIndex
        position = bytes.startIndex
        isBigEndian = bigEndian
    }

    var isAtEnd: Bool { position >= bytes.endIndex }

    /// Values of every complete type in `signature`.
    mutating func values(_ signature: String) throws(DBusFormatError) -> [DBusValue] {
        guard let types = DBusSignature.types(signature) else {
            throw DBusFormatError(reason: "invalid signature")
        }
        var result: [DBusValue] = []
        for type in types { result.append(try value(type, depth: 0)) }
        return result
    }

    mutating func align(to size: Int) throws(DBusFormatError) {
        let offset = (position - start) % size
        if offset != 0 { _ = try take(size - offset) }
    }

    private mutating func take(_ count: Int) throws(DBusFormatError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.endIndex - position else {
            throw DBusFormatError(reason: "too short")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    private mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws(DBusFormatError)
        -> Number
    {
        try align(to: MemoryLayout<Number>.size)
        var result: Number = 0
        let taken = try take(MemoryLayout<Number>.size)
        if isBigEndian {
            for byte in taken { result = result << 8 | Number(truncatingIfNeeded: byte) }
        } else {
            for byte in taken.reversed() { result = result << 8 | Number(truncatingIfNeeded: byte) }
        }
        return result
    }

    private mutating func text(_ length: Int) throws(DBusFormatError) -> String {
        let taken = try take(length)
        guard try take(1).first == 0, let text = String(validating: taken, as: UTF8.self),
            !text.utf8.contains(0)
        else { throw DBusFormatError(reason: "a string is not valid") }
        return text
    }

    /// - Parameter type: one complete type
    private mutating func value(_ type: String, depth: Int) throws(DBusFormatError) -> DBusValue {
        guard depth <= 2 * DBusSignature.deepest, let first = type.utf8.first else {
            throw DBusFormatError(reason: "nested too deep")
        }
        switch first {
        case UInt8(ascii: "a"): return try array(String(type.dropFirst()), depth: depth)
        case UInt8(ascii: "("):
            return .structure(try members(String(type.dropFirst().dropLast()), depth: depth))
        case UInt8(ascii: "{"):
            let pair = try members(String(type.dropFirst().dropLast()), depth: depth)
            guard pair.count == 2 else { throw DBusFormatError(reason: "invalid signature") }
            return .dictionaryEntry(pair[0], pair[1])
        case UInt8(ascii: "v"):
            let signature = try text(Int(try number(UInt8.self)))
            guard let types = DBusSignature.types(signature), types.count == 1 else {
                throw DBusFormatError(reason: "invalid signature")
            }
            return .variant(try value(signature, depth: depth + 1))
        default: return try basic(first)
        }
    }

    private mutating func basic(_ type: UInt8) throws(DBusFormatError) -> DBusValue {
        switch type {
        case UInt8(ascii: "y"): return .byte(try number(UInt8.self))
        case UInt8(ascii: "b"):
            let number = try number(UInt32.self)
            guard number <= 1 else { throw DBusFormatError(reason: "a boolean is neither 0 nor 1") }
            return .boolean(number == 1)
        case UInt8(ascii: "n"): return .int32(Int32(try number(Int16.self)))
        case UInt8(ascii: "q"): return .uint32(UInt32(try number(UInt16.self)))
        case UInt8(ascii: "i"): return .int32(try number(Int32.self))
        case UInt8(ascii: "u"), UInt8(ascii: "h"): return .uint32(try number(UInt32.self))
        case UInt8(ascii: "x"): return .int64(try number(Int64.self))
        case UInt8(ascii: "t"): return .uint64(try number(UInt64.self))
        case UInt8(ascii: "d"): return .double(Double(bitPattern: try number(UInt64.self)))
        case UInt8(ascii: "s"): return .string(try text(Int(try number(UInt32.self))))
        case UInt8(ascii: "o"): return .objectPath(try text(Int(try number(UInt32.self))))
        case UInt8(ascii: "g"): return .signature(try text(Int(try number(UInt8.self))))
        default: throw DBusFormatError(reason: "unknown type")
        }
    }

    private mutating func members(_ signature: String, depth: Int) throws(DBusFormatError) -> [DBusValue] {
        guard let types = DBusSignature.types(signature) else {
            throw DBusFormatError(reason: "invalid signature")
        }
        try align(to: 8)
        var result: [DBusValue] = []
        for type in types { result.append(try value(type, depth: depth + 1)) }
        return result
    }

    private mutating func array(_ element: String, depth: Int) throws(DBusFormatError) -> DBusValue {
        let length = Int(try number(UInt32.self))
        guard length <= DBusMessage.longest else { throw DBusFormatError(reason: "an array is too long") }
        try align(to: DBusWriter.alignment(of: element))
        guard length <= bytes.endIndex - position else { throw DBusFormatError(reason: "too short") }
        let end = position + length
        var values: [DBusValue] = []
        while position < end { values.append(try value(element, depth: depth + 1)) }
        guard position == end else { throw DBusFormatError(reason: "an array's length is wrong") }
        return .array(of: element, values)
    }
}
