package import OCIModel

/// Docker's json-file line: `{"log":"text\n","stream":"stdout","attrs":{…},"time":"2006-01-02T15:04:05.999999999Z"}`.
package struct JSONLogLine: Sendable {
    /// What stands between the text and the time, for stdout and stderr.
    private let middles: [[UInt8]]
    /// The second that `stamp` is the text of; the same for many lines.
    private var second = Int64.min
    private var stamp: [UInt8] = []

    private static let beginning = Array(#"{"log":""#.utf8)
    private static let end: [UInt8] = [0x22, 0x7D, 0x0A]

    /// - Parameter attributes: what each line carries as `attrs`; written in the order of their names
    package init(attributes: [(name: String, value: String)] = []) {
        var extra: [UInt8] = []
        for (name, value) in attributes.sorted(by: { $0.name < $1.name }) {
            extra.append(contentsOf: extra.isEmpty ? #","attrs":{""#.utf8 : #",""#.utf8)
            Self.escape(Array(name.utf8), into: &extra)
            extra.append(contentsOf: #"":""#.utf8)
            Self.escape(Array(value.utf8), into: &extra)
            extra.append(UInt8(ascii: "\""))
        }
        if !extra.isEmpty { extra.append(UInt8(ascii: "}")) }
        middles = StandardStream.allCases.map { stream in
            Array(#"","stream":""#.utf8) + Array(stream.name.utf8) + [UInt8(ascii: "\"")] + extra
                + Array(#","time":""#.utf8)
        }
    }

    /// Appends one line.
    /// - Parameter terminated: whether the text ended with a line feed; false for pieces of a long line
    package mutating func append(
        _ text: UnsafeBufferPointer<UInt8>, terminated: Bool, _ stream: StandardStream, _ time: Timestamp,
        to output: inout [UInt8]
    ) {
        output.append(contentsOf: Self.beginning)
        Self.escape(text, into: &output)
        if terminated {
            output.append(UInt8(ascii: "\\"))
            output.append(UInt8(ascii: "n"))
        }
        output.append(contentsOf: middles[Int(stream.rawValue) - 1])
        appendTime(time, to: &output)
        output.append(contentsOf: Self.end)
    }

    /// RFC 3339 without trailing zeros in the fraction.
    private mutating func appendTime(_ time: Timestamp, to output: inout [UInt8]) {
        if time.seconds != second {
            second = time.seconds
            stamp = Array(Timestamp(seconds: second).description.utf8.dropLast())
        }
        output.append(contentsOf: stamp)
        if time.nanoseconds > 0 {
            output.append(UInt8(ascii: "."))
            var rest = UInt32(time.nanoseconds)
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 9) { digits in
                var length = 0
                for place in stride(from: 8, through: 0, by: -1) {
                    let digit = UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                    digits[place] = 0x30 + digit
                    if length == 0, digit != 0 { length = place + 1 }
                }
                output.append(contentsOf: UnsafeBufferPointer(rebasing: digits[..<length]))
            }
        }
        output.append(UInt8(ascii: "Z"))
    }

    // MARK: Text

    private static func escape(_ text: [UInt8], into output: inout [UInt8]) {
        text.withUnsafeBufferPointer { escape($0, into: &output) }
    }

    /// Escapes as Docker's writer: control characters but for line feed and carriage return as \u00XX, also `<`, `>`,
    /// `&`, U+2028 and U+2029; each byte that is not part of valid UTF-8 as \ufffd.
    static func escape(_ text: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        // Escapes are collected here first: output may be nothing but control characters.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { scratch in
            var escapes = EscapeBuffer(scratch)
            var plain = 0
            var index = 0
            while index < text.count {
                let byte = text[index]
                let length = byte < 0x80 ? 1 : sequenceLength(text, at: index)
                if byte < 0x80 ? isPlain(byte) : length > 0 && !isSeparator(text, at: index, length) {
                    index += length
                    continue
                }
                if plain < index {
                    escapes.flush(to: &output)
                    output.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain..<index]))
                }
                if byte < 0x80 {
                    escapes.append(ascii: byte)
                } else {
                    escapes.append(unicode: length == 0 ? 0xFFFD : 0x2000 | UInt16(text[index + 2] & 0x3F))
                }
                index += max(1, length)
                plain = index
                if escapes.isFull { escapes.flush(to: &output) }
            }
            escapes.flush(to: &output)
            output.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain...]))
        }
    }

    /// Control characters, `"`, `&`, `<` and `>`, as bits.
    private static let special: UInt64 = 0x5000_0044_FFFF_FFFF

    /// For ASCII. This looks at every byte that containers write.
    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte < 64 ? special >> UInt64(byte) & 1 == 0 : byte != UInt8(ascii: "\\")
    }

    private static func isSeparator(_ text: UnsafeBufferPointer<UInt8>, at index: Int, _ length: Int) -> Bool
    {
        length == 3 && text[index] == 0xE2 && text[index + 1] == 0x80 && text[index + 2] & 0xFE == 0xA8
    }

    /// Bytes of the valid UTF-8 sequence at `index` (RFC 3629, table of well-formed sequences); 0 where there is none.
    private static func sequenceLength(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch text[index] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return 0
        }
        guard index + length <= text.count, second.contains(text[index + 1]) else { return 0 }
        for offset in 2..<max(2, length) where text[index + offset] & 0xC0 != 0x80 { return 0 }
        return length
    }
}

/// A few escapes in a row, on the stack.
private struct EscapeBuffer {
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private var count = 0

    private static let longest = 6

    init(_ bytes: UnsafeMutableBufferPointer<UInt8>) { self.bytes = bytes }

    var isFull: Bool { count + Self.longest > bytes.count }

    mutating func append(ascii byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): pair(byte)
        case 0x0A: pair(UInt8(ascii: "n"))
        case 0x0D: pair(UInt8(ascii: "r"))
        default: append(unicode: UInt16(byte))
        }
    }

    mutating func append(unicode: UInt16) {
        pair(UInt8(ascii: "u"))
        for place in 1...4 {
            let digit = UInt8(truncatingIfNeeded: unicode >> (16 - 4 * place) & 15)
            put(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }

    mutating func flush(to output: inout [UInt8]) {
        if count == 0 { return }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[..<count]))
        count = 0
    }

    private mutating func pair(_ second: UInt8) {
        put(UInt8(ascii: "\\"))
        put(second)
    }

    private mutating func put(_ byte: UInt8) {
        bytes[count] = byte
        count += 1
    }
}
