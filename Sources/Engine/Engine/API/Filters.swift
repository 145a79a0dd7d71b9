/// Docker's `filters` parameter: for each key the values of which one has to match.
package struct Filters: Sendable, Hashable {
    package var values: [String: [String]]

    package init(_ values: [String: [String]] = [:]) { self.values = values }

    package var isEmpty: Bool { values.isEmpty }

    package subscript(key: String) -> [String] { values[key] ?? [] }

    /// - Throws: `EngineError` in Docker's words where a key is not among `known`
    package func require(keys known: Set<String>) throws(EngineError) {
        for key in values.keys.sorted() where !known.contains(key) {
            throw .invalid("invalid filter '\(key)'")
        }
    }

    /// Whether the key is absent or one of its values satisfies `match`.
    package func matches(_ key: String, _ match: (String) -> Bool) -> Bool {
        guard let values = values[key], !values.isEmpty else { return true }
        return values.contains(where: match)
    }

    /// Labels are the exception: all of the values have to match. `name` or `name=value`.
    package func matchesLabels(_ labels: [String: String], key: String = "label") -> Bool {
        (values[key] ?? []).allSatisfy { wanted in
            guard let equals = wanted.firstIndex(of: "=") else { return labels[wanted] != nil }
            return labels[String(wanted[..<equals])] == String(wanted[wanted.index(after: equals)...])
        }
    }

    /// The value of a boolean filter.
    package func flag(_ key: String) throws(EngineError) -> Bool? {
        guard let value = values[key]?.first else { return nil }
        switch value {
        case "1", "true", "True", "TRUE", "t", "T": return true
        case "0", "false", "False", "FALSE", "f", "F": return false
        default: throw .invalid("invalid filter '\(key)=[\(value)]'")
        }
    }
}
