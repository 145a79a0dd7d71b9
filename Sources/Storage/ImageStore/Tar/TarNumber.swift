/// Numbers of tar headers: octal text, or base-256 where the first bit is set (GNU tar manual, "Basic Tar Format").
enum TarNumber {
    /// - Returns: nil where the field holds no number or one above `Int64`
    static func parse(_ field: UnsafeRawBufferPointer) -> Int64? {
        guard let first = field.first else { return nil }
        return first & 0x80 != 0 ? base256(field) : octal(field)
    }

    private static func base256(_ field: UnsafeRawBufferPointer) -> Int64? {
        // Two's complement over all bits behind the marker bit.
        let isNegative = field[0] & 0x40 != 0
        let flip: UInt8 = isNegative ? 0xFF : 0
        var value: UInt64 = 0
        for (index, byte) in field.enumerated() {
            let bits = index == 0 ? (byte ^ flip) & 0x7F : byte ^ flip
            if value >> 56 != 0 { return nil }
            value = value << 8 | UInt64(bits)
        }
        guard value >> 63 == 0 else { return nil }
        return isNegative ? ~Int64(value) : Int64(value)
    }

    private static func octal(_ field: UnsafeRawBufferPointer) -> Int64? {
        var value: Int64 = 0
        var index = 0
        while index < field.count, field[index] == 0x20 || field[index] == 0 { index += 1 }
        while index < field.count, (0x30...0x37).contains(field[index]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 8)
            if overflow { return nil }
            value = product + Int64(field[index] - 0x30)
            index += 1
        }
        while index < field.count {
            guard field[index] == 0x20 || field[index] == 0 else { return nil }
            index += 1
        }
        return value
    }

    /// A decimal integer of an extended header.
    static func decimal(_ text: some Collection<UInt8>) -> Int64? {
        Int64(String(decoding: text, as: UTF8.self))
    }

    /// A decimal time with an optional fraction, such as `1700000000.25` or `-1.5`.
    /// - Returns: whole seconds, rounded down, and nanoseconds
    static func time(_ text: some Collection<UInt8>) -> (seconds: Int64, nanoseconds: Int)? {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, let seconds = decimal(whole) else { return nil }
        guard parts.count == 2 else { return (seconds, 0) }
        var nanoseconds = 0
        var digits = 0
        for byte in parts[1] {
            guard (0x30...0x39).contains(byte) else { return nil }
            if digits < 9 {
                nanoseconds = nanoseconds * 10 + Int(byte - 0x30)
                digits += 1
            }
        }
        for _ in digits..<9 { nanoseconds *= 10 }
        let isNegative = whole.first == UInt8(ascii: "-")
        guard isNegative, nanoseconds > 0 else { return (seconds, nanoseconds) }
        guard seconds > .min else { return nil }
        return (seconds - 1, 1_000_000_000 - nanoseconds)
    }
}
