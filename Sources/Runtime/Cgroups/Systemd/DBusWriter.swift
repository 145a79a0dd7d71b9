/// Puts values into the D-Bus wire format, little-endian ("Marshaling"). Alignment counts from the first byte written.
struct DBusWriter {
    private(set) var bytes: [UInt8] = []

    mutating func align(to size: Int) {
        while bytes.count % size != 0 { bytes.append(0) }
    }

    mutating func append(_ value: DBusValue) {
        switch value {
        case .byte(let byte): bytes.append(byte)
        case .boolean(let flag): number(UInt32(flag ? 1 : 0))
        case .int32(let number): self.number(UInt32(bitPattern: number))
        case .uint32(let number): self.number(number)
        case .int64(let number): self.number(UInt64(bitPattern: number))
        case .uint64(let number): self.number(number)
        case .double(let number): self.number(number.bitPattern)
        case .string(let text), .objectPath(let text):
            number(UInt32(truncatingIfNeeded: text.utf8.count))
            bytes += Array(text.utf8) + [0]
        case .signature(let text): signature(text)
        case .array(let element, let values): array(values, of: element)
        case .structure(let fields):
            align(to: 8)
            for field in fields { append(field) }
        case .dictionaryEntry(let key, let value):
            align(to: 8)
            append(key)
            append(value)
        case .variant(let value):
            signature(value.signature)
            append(value)
        }
    }

    private mutating func signature(_ text: String) {
        bytes.append(UInt8(truncatingIfNeeded: text.utf8.count))
        bytes += Array(text.utf8) + [0]
    }

    private mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) {
        align(to: MemoryLayout<Number>.size)
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }

    /// The length does not count the padding between it and the first element.
    private mutating func array(_ values: [DBusValue], of element: String) {
        number(UInt32(0))
        let place = bytes.count - 4
        align(to: Self.alignment(of: element))
        let start = bytes.count
        for value in values { append(value) }
        let length = bytes.count - start
        for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    }

    static func alignment(of signature: String) -> Int {
        switch signature.utf8.first {
        case UInt8(ascii: "n"), UInt8(ascii: "q"): 2
        case UInt8(ascii: "b"), UInt8(ascii: "i"), UInt8(ascii: "u"), UInt8(ascii: "h"), UInt8(ascii: "s"),
            UInt8(ascii: "o"), UInt8(ascii: "a"):
            4
        case UInt8(ascii: "x"), UInt8(ascii: "t"), UInt8(ascii: "d"), UInt8(ascii: "("), UInt8(ascii: "{"): 8
        default: 1
        }
    }
}
