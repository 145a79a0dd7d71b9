/// A line of comma-separated values in which quotes protect commas (RFC 4180), as `--mount` and `--network` take.
enum CommaSeparated {
    /// - Throws: `UsageError` where quotes do not match
    static func fields(_ text: String) throws(UsageError) -> [String] {
        var fields: [String] = []
        var rest = text[...]
        while true {
            if rest.first == "\"" {
                fields.append(try quoted(&rest))
            } else {
                let field = rest.prefix { $0 != "," }
                if field.contains("\"") { throw UsageError("parse error: bare \" in non-quoted-field") }
                fields.append(String(field))
                rest = rest.dropFirst(field.count)
            }
            guard rest.popFirst() != nil else { return fields }
        }
    }

    private static func quoted(_ rest: inout Substring) throws(UsageError) -> String {
        rest = rest.dropFirst()
        var field = ""
        while let character = rest.popFirst() {
            if character != "\"" {
                field.append(character)
            } else if rest.first == "\"" {
                field.append("\"")
                rest = rest.dropFirst()
            } else {
                guard rest.isEmpty || rest.first == "," else {
                    throw UsageError("parse error: extraneous or missing \" in quoted-field")
                }
                return field
            }
        }
        throw UsageError("parse error: extraneous or missing \" in quoted-field")
    }
}
