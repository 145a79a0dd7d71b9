extension JSONValue {
    /// How a value is written.
    package struct Style: Sendable {
        /// Spaces per level; nil writes everything on one line without spaces.
        package var indent: Int?
        /// Writes `<`, `>` and `&` as escapes, as Go's encoder does unless told otherwise.
        package var escapesHTML: Bool
        /// Indents by tabs, not by spaces.
        package var usesTabs: Bool

        package init(indent: Int? = nil, escapesHTML: Bool = false, usesTabs: Bool = false) {
            self.indent = indent
            self.usesTabs = usesTabs
            self.escapesHTML = escapesHTML
        }

        package static let compact = Style()
        package static let pretty = Style(indent: 4)
        /// A tab per level, as some of Docker's commands write.
        package static let tabs = Style(indent: 1, usesTabs: true)
    }

    /// The value as JSON text in UTF-8.
    package func bytes(_ style: Style = .compact) -> [UInt8] {
        var writer = JSONWriter(style)
        writer.write(self, level: 0)
        return writer.output
    }

    package func text(_ style: Style = .compact) -> String {
        String(decoding: bytes(style), as: UTF8.self)
    }
}

extension String {
    /// This text as a JSON string, quotes included.
    package func jsonQuoted(escapesHTML: Bool = false) -> [UInt8] {
        var writer = JSONWriter(JSONValue.Style(escapesHTML: escapesHTML))
        writer.write(string: self)
        return writer.output
    }
}

struct JSONWriter {
    private(set) var output: [UInt8] = []
    private let style: JSONValue.Style

    private static let hexadecimal = Array("0123456789abcdef".utf8)

    init(_ style: JSONValue.Style) { self.style = style }

    mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: append("null")
        case .bool(let bool): append(bool ? "true" : "false")
        case .integer(let integer): append(String(integer))
        case .unsigned(let unsigned): append(String(unsigned))
        case .double(let double): write(double)
        case .string(let string): write(string: string)
        case .array(let array):
            write(array.indices, "[", "]", level) { writer, index in
                writer.write(array[index], level: level + 1)
            }
        case .object(let object):
            write(object.keys.indices, "{", "}", level) { writer, index in
                writer.write(string: object.keys[index])
                writer.append(writer.style.indent == nil ? ":" : ": ")
                writer.write(object.values[index], level: level + 1)
            }
        }
    }

    private mutating func write(
        _ indices: Range<Int>, _ open: String, _ close: String, _ level: Int,
        element: (inout JSONWriter, Int) -> Void
    ) {
        append(open)
        for index in indices {
            if index > 0 { append(",") }
            newline(level + 1)
            element(&self, index)
        }
        if !indices.isEmpty { newline(level) }
        append(close)
    }

    private mutating func newline(_ level: Int) {
        guard let indent = style.indent else { return }
        output.append(0x0A)
        output.append(contentsOf: repeatElement(style.usesTabs ? 0x09 : 0x20, count: indent * level))
    }

    /// Whole numbers are written without a fraction, as Go writes a float64.
    private mutating func write(_ double: Double) {
        if let integer = Int64(exactly: double), abs(double) < 1e15 {
            append(String(integer))
        } else {
            append(double.isFinite ? "\(double)" : "null")
        }
    }

    mutating func write(string: String) {
        var string = string
        output.append(0x22)
        string.withUTF8 { utf8 in
            var plain = 0
            var index = 0
            while index < utf8.count {
                if let length = escapeLength(utf8, at: index) {
                    output.append(contentsOf: utf8[plain..<index])
                    escape(utf8, at: index, length: length)
                    index += length
                    plain = index
                } else {
                    index += 1
                }
            }
            output.append(contentsOf: utf8[plain...])
        }
        output.append(0x22)
    }

    /// How many bytes from `index` on must be written as an escape; nil where none must.
    private func escapeLength(_ utf8: UnsafeBufferPointer<UInt8>, at index: Int) -> Int? {
        switch utf8[index] {
        case 0..<0x20, 0x22, 0x5C, 0x7F: return 1
        case 0x26, 0x3C, 0x3E: return style.escapesHTML ? 1 : nil
        case 0xE2 where index + 2 < utf8.count && utf8[index + 1] == 0x80 && utf8[index + 2] & 0xFE == 0xA8:
            return 3  // U+2028 and U+2029, which are no line ends in JSON but are in JavaScript
        default: return nil
        }
    }

    private mutating func escape(_ utf8: UnsafeBufferPointer<UInt8>, at index: Int, length: Int) {
        if length == 3 { return append(utf8[index + 2] == 0xA8 ? "\\u2028" : "\\u2029") }
        switch utf8[index] {
        case 0x22: append("\\\"")
        case 0x5C: append("\\\\")
        case 0x08: append("\\b")
        case 0x0C: append("\\f")
        case 0x0A: append("\\n")
        case 0x0D: append("\\r")
        case 0x09: append("\\t")
        case 0x7F: output.append(0x7F)
        case let byte:
            append("\\u00")
            output.append(Self.hexadecimal[Int(byte >> 4)])
            output.append(Self.hexadecimal[Int(byte & 15)])
        }
    }

    private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }
}
