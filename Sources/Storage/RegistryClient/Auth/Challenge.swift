/// How a registry wants to be convinced (RFC 9110, section 11.6.1; RFC 6750, section 3).
struct Challenge: Sendable, Equatable {
    /// In lower case: `basic`, `bearer`.
    let scheme: String
    /// Names in lower case.
    var parameters: [String: String]

    /// Parses one `WWW-Authenticate` field, which may hold several challenges.
    static func parse(_ field: String) -> [Challenge] {
        var scanner = Scanner(rest: field[...])
        var challenges: [Challenge] = []
        while true {
            scanner.skip { $0 == " " || $0 == "," || $0 == "\t" }
            let word = scanner.word()
            if word.isEmpty { return challenges }
            if scanner.take("="), !challenges.isEmpty {
                challenges[challenges.count - 1].parameters[word.lowercased()] = scanner.value()
            } else {
                challenges.append(Challenge(scheme: word.lowercased(), parameters: [:]))
            }
        }
    }

    private struct Scanner {
        var rest: Substring

        mutating func skip(_ isSkipped: (Character) -> Bool) { rest = rest.drop(while: isSkipped) }

        mutating func word() -> String {
            let word = rest.prefix { !" \t,=\"".contains($0) }
            rest = rest[word.endIndex...]
            // A character that fits nowhere must not stop the scan for ever.
            if word.isEmpty, !rest.isEmpty {
                rest = rest.dropFirst()
                return rest.isEmpty ? "" : "?"
            }
            return String(word)
        }

        mutating func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func value() -> String {
            guard take("\"") else {
                let value = rest.prefix { $0 != "," && $0 != " " }
                rest = rest[value.endIndex...]
                return String(value)
            }
            var value = ""
            while let character = rest.popFirst(), character != "\"" {
                value.append(character == "\\" ? rest.popFirst() ?? character : character)
            }
            return value
        }
    }
}
