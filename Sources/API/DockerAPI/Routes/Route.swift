/// A method of HTTP that Docker's API uses.
package enum RequestMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
}

/// A method and a path template, and the operation that they mean.
package struct Route: Sendable {
    package let method: RequestMethod
    /// As `/images/{name:.*}/json`: a parameter with `.*` may hold slashes (image names do), others may not.
    package let template: String
    package let operation: Operation
    private let before: String
    private let middle: String?
    private let after: String
    private let spansSlashes: Bool

    package init(_ method: RequestMethod, _ template: String, _ operation: Operation) {
        self.method = method
        self.template = template
        self.operation = operation
        let parts = Self.literals(template)
        before = parts[0]
        middle = parts.count == 3 ? parts[1] : nil
        after = parts.count > 1 ? parts[parts.count - 1] : ""
        spansSlashes = template.contains(":.")
        hasParameter = parts.count > 1
    }

    private let hasParameter: Bool

    /// The texts before, between and after the parameters.
    private static func literals(_ template: String) -> [String] {
        template.split(separator: "{", omittingEmptySubsequences: false).enumerated().map { index, part in
            index == 0
                ? String(part)
                : String(part[part.index(after: part.firstIndex(of: "}") ?? part.startIndex)...])
        }
    }

    /// The values of the parameters where `path` (decoded, without version and query) fits; nil elsewhere.
    package func match(_ path: Substring) -> [String]? {
        guard hasParameter else { return path == before[...] ? [] : nil }
        guard path.utf8.count > before.utf8.count + after.utf8.count, path.hasPrefix(before),
            path.hasSuffix(after)
        else { return nil }
        let inner = path.dropFirst(before.count).dropLast(after.count)
        if let middle { return Self.splitOnce(inner, at: middle) }
        guard spansSlashes || !inner.utf8.contains(UInt8(ascii: "/")) else { return nil }
        return [String(inner)]
    }

    private static func splitOnce(_ text: Substring, at middle: String) -> [String]? {
        for index in text.indices where text[index...].hasPrefix(middle) {
            let first = text[..<index]
            let second = text[index...].dropFirst(middle.count)
            if !first.isEmpty, !second.isEmpty, !first.contains("/"), !second.contains("/") {
                return [String(first), String(second)]
            }
        }
        return nil
    }
}

/// Finds the route of a request.
package struct RouteTable: Sendable {
    private let byMethod: [RequestMethod: [Route]]

    package init(_ routes: [Route] = Route.all) { byMethod = Dictionary(grouping: routes, by: \.method) }

    package func find(_ method: RequestMethod, _ path: Substring) -> (route: Route, parameters: [String])? {
        for route in byMethod[method] ?? [] {
            if let parameters = route.match(path) { return (route, parameters) }
        }
        return nil
    }
}
