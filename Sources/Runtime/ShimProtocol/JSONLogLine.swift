package import OCIModel

/// Docker's json-file line: `{"log":"text\n","stream":"stdout","attrs":{…},"time":"2006-01-02T15:04:05.999999999Z"}`.
package struct JSONLogLine: Sendable {
    /// What stands between the text and the time, for stdout and stderr.
    private let middles: [[UInt8]]
    /// The second that `stamp` is the text of; the same for many lines.
    private var second = Int64.min
    private var stamp: [UInt8] = []

    private static let hexadecimal = Array("0123456789abcdef".utf8)

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
        output.append(contentsOf: #"{"log":""#.utf8)
        Self.escape(text, into: &output)
        if terminated { output.append(contentsOf: #"\n"#.utf8) }
        output.append(contentsOf: middles[Int(stream.rawValue) - 1])
        appendTime(time, to: &output)
        output.append(contentsOf: [0x22, 0x7D, 0x0A])
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
            var divisor: Int32 = 100_000_000
            var rest = time.nanoseconds
            while rest > 0 {
                output.append(0x30 + UInt8(truncatingIfNeeded: rest / divisor))
                rest %= divisor
                divisor /= 10
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
        var plain = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte < 0x80 {
                if isPlain(byte) {
                    index += 1
                    continue
                }
                output.append(contentsOf: text[plain..<index])
                escapeASCII(byte, into: &output)
                index += 1
                plain = index
                continue
            }
            let length = sequenceLength(text, at: index)
            if length > 0, !isSeparator(text, at: index, length) {
                index += length
                continue
            }
            output.append(contentsOf: text[plain..<index])
            if length == 0 {
                output.append(contentsOf: #"\ufffd"#.utf8)
                index += 1
            } else {
                output.append(contentsOf: text[index + 2] == 0xA8 ? #"\u2028"#.utf8 : #"\u2029"#.utf8)
                index += 3
            }
            plain = index
        }
        output.append(contentsOf: text[plain...])
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"),
            UInt8(ascii: "&"):
            false
        default: true
        }
    }

    private static func escapeASCII(_ byte: UInt8, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        default:
            output.append(contentsOf: "u00".utf8)
            output.append(hexadecimal[Int(byte >> 4)])
            output.append(hexadecimal[Int(byte & 15)])
        }
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
