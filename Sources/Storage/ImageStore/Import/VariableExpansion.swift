/// Splits an instruction's arguments into words and puts in variables, with the quoting of a Dockerfile.
struct VariableExpansion {
    private var variables: [String: String] = [:]

    /// - Parameter environment: `name=value`
    init(_ environment: [String]) {
        for entry in environment {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
    }

    /// The whole text as one word.
    func expand(_ text: String) throws -> String { try words(text, splitting: false).first ?? "" }

    func split(_ text: String) throws -> [String] { try words(text, splitting: true) }

    private func words(_ text: String, splitting: Bool) throws -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = text[...]
        while let next = rest.popFirst() {
            switch next {
            case "'" where quote != "\"", "\"" where quote != "'":
                quote = quote == nil ? next : nil
                word = word ?? ""
            case "\\" where quote != "'":
                guard let escaped = rest.popFirst() else { word = (word ?? "") + "\\"; break }
                let isSpecial = quote == nil || escaped == "\"" || escaped == "$" || escaped == "\\"
                word = (word ?? "") + (isSpecial ? "" : "\\") + String(escaped)
            case "$" where quote != "'":
                word = (word ?? "") + (try variable(&rest))
            case let space where space.isWhitespace && quote == nil && splitting:
                if let done = word { words.append(done) }
                word = nil
            default: word = (word ?? "") + String(next)
            }
        }
        guard quote == nil else {
            throw ImageError(
                .invalidArgument, "unexpected end of statement while looking for matching quote: \(text)")
        }
        if let word { words.append(word) }
        return words
    }

    /// Behind a dollar sign: `name`, `{name}`, `{name:-default}` or `{name:+alternative}`.
    private func variable(_ rest: inout Substring) throws -> String {
        func isName(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber) || character == "_"
        }
        guard rest.first == "{" else {
            let name = rest.prefix(while: isName)
            rest = rest[name.endIndex...]
            return name.isEmpty ? "$" : variables[String(name)] ?? ""
        }
        guard let end = rest.firstIndex(of: "}") else {
            throw ImageError(.invalidArgument, "a variable's brace is not closed")
        }
        let body = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
        let name = body.prefix(while: isName)
        let value = variables[String(name)] ?? ""
        let modifier = body[name.endIndex...]
        switch modifier.prefix(2) {
        case "": return value
        case ":-": return value.isEmpty ? String(modifier.dropFirst(2)) : value
        case ":+": return value.isEmpty ? "" : String(modifier.dropFirst(2))
        default: throw ImageError(.invalidArgument, "unsupported modifier in substitution: ${\(body)}")
        }
    }
}
