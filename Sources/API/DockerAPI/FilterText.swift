import JSONCodec

/// Docker's `filters` parameter: a JSON object of `{"key": ["value", …]}` or, older, `{"key": {"value": true}}`.
package enum FilterText {
    /// - Returns: values by key; empty for an empty text
    /// - Throws: `JSONSyntaxError`, `DecodingError`
    package static func parse(_ text: String) throws -> [String: [String]] {
        guard !text.isEmpty else { return [:] }
        guard case .object(let object) = try JSONValue(parsing: text) else { throw refusal("an object") }
        var filters: [String: [String]] = [:]
        for (key, value) in object { filters[key] = try values(value) }
        return filters
    }

    private static func values(_ value: JSONValue) throws -> [String] {
        switch value {
        case .array(let array):
            return try array.map { element in
                guard let text = element.stringValue else { throw refusal("strings as values") }
                return text
            }
        case .object(let object):
            return try object.compactMap { key, flag in
                guard let isSet = flag.boolValue else { throw refusal("true or false behind each value") }
                return isSet ? key : nil
            }
        default: throw refusal("a list or an object behind each key")
        }
    }

    private static func refusal(_ expected: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "invalid filters: expected \(expected)"))
    }

    /// The form that every version reads.
    package static func encode(_ filters: [String: [String]]) -> String {
        var object = JSONObject()
        for (key, values) in filters.sorted(by: { $0.key < $1.key }) {
            var set = JSONObject()
            for value in values { set[value] = true }
            object[key] = .object(set)
        }
        return JSONValue.object(object).text()
    }
}
