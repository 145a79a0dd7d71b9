/// A piece of a template's text.
struct Token: Equatable {
    enum Kind: Equatable {
        case text, open, close, comment
        case space, identifier, keyword, field, variable, dot, bool, nilWord
        case number, character, string, rawString
        case pipe, comma, assign, declare, leftParenthesis, rightParenthesis
        /// A printable character that means nothing here.
        case other
        /// A mistake in the text, which counts only when the parser gets there; the token's text is the message.
        case fault
        case end
    }

    let kind: Kind
    let text: String
    /// Offset in bytes from the start of the template.
    let position: Int
}

/// Splits a template as Go's text/template/parse does: text, and the tokens of the actions between `{{` and `}}`.
struct Lexer {
    private let bytes: [UInt8]
    private let name: String
    private var position = 0
    private var tokens: [Token] = []
    private var depth = 0
    private var actionStart = 0

    static let keywords: Set<String> = [
        "block", "break", "continue", "define", "else", "end", "if", "range", "template", "with",
    ]

    init(_ text: String, name: String) {
        bytes = Array(text.utf8)
        self.name = name
    }

    static func tokens(of text: String, name: String) -> [Token] {
        var lexer = Lexer(text, name: name)
        do throws(TemplateError) {
            try lexer.run()
        } catch {
            lexer.tokens.append(Token(kind: .fault, text: error.message, position: lexer.position))
        }
        return lexer.tokens
    }

    private mutating func run() throws(TemplateError) {
        var trimsLeft = false
        while true {
            let start = position
            let open = find("{{", from: position)
            var textEnd = open ?? bytes.count
            var textStart = start
            if trimsLeft {
                while textStart < textEnd, Self.isSpace(bytes[textStart]) { textStart += 1 }
            }
            if let open, hasTrimMarker(at: open + 2) {
                while textEnd > textStart, Self.isSpace(bytes[textEnd - 1]) { textEnd -= 1 }
            }
            if textEnd > textStart { emit(.text, from: textStart, to: textEnd) }
            guard let open else { break }
            actionStart = open
            trimsLeft = try action(from: open)
        }
        tokens.append(Token(kind: .end, text: "", position: bytes.count))
    }

    /// Reads one action; whether it trims the text behind it.
    private mutating func action(from open: Int) throws(TemplateError) -> Bool {
        position = open + 2
        if hasTrimMarker(at: position) { position += 1 }
        var comment = position
        while comment < bytes.count, hasTrimMarker(at: open + 2), Self.isSpace(bytes[comment]) {
            comment += 1
        }
        if has("/*", at: comment) { return try self.comment(at: comment) }
        tokens.append(Token(kind: .open, text: "{{", position: open))
        depth = 0
        while true {
            if hasTrimmingClose(at: position) {
                try close(at: position + 2)
                return true
            }
            if has("}}", at: position) {
                try close(at: position)
                return false
            }
            try insideAction()
        }
    }

    private mutating func close(at mark: Int) throws(TemplateError) {
        guard depth == 0 else { throw error("unclosed left paren") }
        tokens.append(Token(kind: .close, text: "}}", position: mark))
        position = mark + 2
    }

    private mutating func comment(at start: Int) throws(TemplateError) -> Bool {
        guard let end = find("*/", from: start + 2) else { throw error("unclosed comment") }
        position = end + 2
        if hasTrimmingClose(at: position) {
            position += 4
            return true
        }
        guard has("}}", at: position) else { throw error("comment ends before closing delimiter") }
        position += 2
        return false
    }

    private mutating func insideAction() throws(TemplateError) {
        guard position < bytes.count else { throw error("unclosed action") }
        let start = position
        let byte = bytes[position]
        position += 1
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D:
            while position < bytes.count, Self.isSpace(bytes[position]), !hasTrimmingClose(at: position) {
                position += 1
            }
            emit(.space, from: start, to: position)
        case UInt8(ascii: "="): emit(.assign, from: start, to: position)
        case UInt8(ascii: ":"):
            guard has("=", at: position) else { throw error("expected :=") }
            position += 1
            emit(.declare, from: start, to: position)
        case UInt8(ascii: "|"): emit(.pipe, from: start, to: position)
        case UInt8(ascii: ","): emit(.comma, from: start, to: position)
        case UInt8(ascii: "\""): try quoted(from: start, end: byte, kind: .string, what: "quoted string")
        case UInt8(ascii: "'"):
            try quoted(from: start, end: byte, kind: .character, what: "character constant")
        case UInt8(ascii: "`"): try rawString(from: start)
        case UInt8(ascii: "$"): try name(from: start, kind: .variable)
        case UInt8(ascii: "."): try dot(from: start)
        case UInt8(ascii: "("):
            depth += 1
            emit(.leftParenthesis, from: start, to: position)
        case UInt8(ascii: ")"):
            depth -= 1
            guard depth >= 0 else { throw error("unexpected right paren") }
            emit(.rightParenthesis, from: start, to: position)
        case UInt8(ascii: "+"), UInt8(ascii: "-"), 0x30...0x39: try number(from: start)
        case let byte where Self.isLetter(byte): try word(from: start)
        case 0x21...0x7E: emit(.other, from: start, to: position)
        default: throw error("unrecognized character in action: \(Self.describe(scalar(at: start)))")
        }
    }

    // MARK: Tokens

    private mutating func quoted(
        from start: Int, end: UInt8, kind: Token.Kind, what: String
    ) throws(TemplateError) {
        while position < bytes.count, bytes[position] != end {
            if bytes[position] == 0x0A { throw error("unterminated \(what)") }
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < bytes.count else { throw error("unterminated \(what)") }
        position += 1
        emit(kind, from: start, to: position)
    }

    private mutating func rawString(from start: Int) throws(TemplateError) {
        while position < bytes.count, bytes[position] != UInt8(ascii: "`") { position += 1 }
        guard position < bytes.count else { throw error("unterminated raw quoted string") }
        position += 1
        emit(.rawString, from: start, to: position)
    }

    private mutating func dot(from start: Int) throws(TemplateError) {
        if position < bytes.count, (0x30...0x39).contains(bytes[position]) { return try number(from: start) }
        if position == bytes.count || isTerminator(at: position) {
            return emit(.dot, from: start, to: position)
        }
        try name(from: start, kind: .field)
    }

    private mutating func name(from start: Int, kind: Token.Kind) throws(TemplateError) {
        while position < bytes.count, Self.isLetter(bytes[position]) || Self.isDigit(bytes[position]) {
            position += 1
        }
        guard isTerminator(at: position) else {
            throw error("bad character \(Self.describe(scalar(at: position)))")
        }
        emit(kind, from: start, to: position)
    }

    private mutating func word(from start: Int) throws(TemplateError) {
        while position < bytes.count, Self.isLetter(bytes[position]) || Self.isDigit(bytes[position]) {
            position += 1
        }
        guard isTerminator(at: position) else {
            throw error("bad character \(Self.describe(scalar(at: position)))")
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        switch text {
        case "true", "false": emit(.bool, from: start, to: position)
        case "nil": emit(.nilWord, from: start, to: position)
        default: emit(Self.keywords.contains(text) ? .keyword : .identifier, from: start, to: position)
        }
    }

    private mutating func number(from start: Int) throws(TemplateError) {
        while position < bytes.count {
            let byte = bytes[position]
            let signed =
                (byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"))
                && [0x65, 0x45, 0x70, 0x50].contains(bytes[position - 1])
            guard Self.isLetter(byte) || Self.isDigit(byte) || byte == UInt8(ascii: ".") || signed else {
                break
            }
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard NumberConstant(text) != nil else { throw error("bad number syntax: \(GoPrinter.quoted(text))") }
        emit(.number, from: start, to: position)
    }

    private mutating func emit(_ kind: Token.Kind, from start: Int, to end: Int) {
        tokens.append(
            Token(kind: kind, text: String(decoding: bytes[start..<end], as: UTF8.self), position: start))
    }

    // MARK: Bytes

    private func find(_ text: StaticString, from start: Int) -> Int? {
        var index = start
        while index + text.utf8CodeUnitCount <= bytes.count {
            if has(text, at: index) { return index }
            index += 1
        }
        return nil
    }

    private func has(_ text: StaticString, at index: Int) -> Bool {
        guard index >= 0, index + text.utf8CodeUnitCount <= bytes.count else { return false }
        for offset in 0..<text.utf8CodeUnitCount where bytes[index + offset] != text.utf8Start[offset] {
            return false
        }
        return true
    }

    /// `-` and a space behind `{{`.
    private func hasTrimMarker(at index: Int) -> Bool {
        index + 1 < bytes.count && bytes[index] == UInt8(ascii: "-") && Self.isSpace(bytes[index + 1])
    }

    /// A space, `-` and `}}`.
    private func hasTrimmingClose(at index: Int) -> Bool {
        index < bytes.count && Self.isSpace(bytes[index]) && has("-}}", at: index + 1)
    }

    private func isTerminator(at index: Int) -> Bool {
        guard index < bytes.count else { return true }
        return Self.isSpace(bytes[index]) || ".,|:()".utf8.contains(bytes[index]) || has("}}", at: index)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0A).contains(byte) || byte == 0x0D
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        byte == 0x5F || byte >= 0x80 || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private func scalar(at index: Int) -> Unicode.Scalar {
        index < bytes.count
            ? String(decoding: bytes[index...].prefix(4), as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
            : "\u{FFFD}"
    }

    static func describe(_ scalar: Unicode.Scalar) -> String {
        let hexadecimal = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - hexadecimal.count)) + hexadecimal
            + " '\(scalar)'"
    }

    private func error(_ reason: String) -> TemplateError {
        let line = 1 + bytes[0..<min(position, bytes.count)].count { $0 == 0x0A }
        return TemplateError(.parsing, "template: \(name):\(line): \(reason)")
    }
}
