import JSONCodec

/// The errors that registries put into their answers (distribution specification, "Error codes").
enum RegistryAnswerError {
    /// `denied: requested access to the resource is denied`, as Docker writes the first of them; nil where the body holds none.
    static func text(_ body: [UInt8]) -> String? {
        guard let first = first(body) else { return nil }
        return "\(label(first.code)): \(first.message)"
    }

    static func message(_ body: [UInt8]) -> String? { first(body)?.message }

    static func code(_ body: [UInt8]) -> String? { first(body)?.code }

    private static func first(_ body: [UInt8]) -> (code: String, message: String)? {
        guard let value = try? JSONValue(parsing: body), let error = value["errors"]?.arrayValue?.first,
            let code = error["code"]?.stringValue
        else { return nil }
        let message = error["message"]?.stringValue ?? ""
        return (code, message.isEmpty ? label(code) : message)
    }

    private static func label(_ code: String) -> String {
        String(code.lowercased().map { $0 == "_" ? " " : $0 })
    }

    /// What an answer that is no success means.
    static func failure(_ answer: HTTPAnswer, what: String) -> RegistryError {
        // A body that cannot be read says nothing; the status does.
        let body = (try? answer.readAll(limit: 256 << 10, "an error")) ?? []
        let reason = text(body)
        let code = code(body)
        let fallback = reason ?? "\(what): unexpected status \(answer.status) from \(answer.address)"
        switch answer.status {
        case 401: return RegistryError(.unauthorized, reason ?? "unauthorized: authentication required")
        case 403:
            return RegistryError(.denied, reason ?? "denied: requested access to the resource is denied")
        case 404:
            return RegistryError(.notFound, reason ?? "\(what): not found")
        case 429:
            return RegistryError(
                .rateLimited, reason ?? "toomanyrequests: the registry asks for fewer requests",
                isTransient: true, retryAfter: answer.head.retryAfter)
        case 408, 425, 500...599:
            return RegistryError(
                .unavailable,
                "received unexpected HTTP status: \(answer.status) from \(answer.address)"
                    + (reason.map { " (\($0))" } ?? ""),
                isTransient: answer.status != 501, retryAfter: answer.head.retryAfter)
        default:
            if code == "DENIED" { return RegistryError(.denied, fallback) }
            return RegistryError(.invalidAnswer, fallback)
        }
    }
}
