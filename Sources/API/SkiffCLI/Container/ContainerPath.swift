import EngineClient

extension EngineRequest {
    /// A request about a container, which may be given by name or by the beginning of its identifier.
    static func container(
        _ method: Method, _ name: String, _ operation: String = "",
        query: [(name: String, value: String)] = []
    ) throws -> EngineRequest {
        let name = name.trimmed
        guard !name.isEmpty else {
            throw CommandError(.invalidArgument, "invalid container name or ID: value is empty")
        }
        let suffix = operation.isEmpty ? "" : "/" + operation
        return EngineRequest(method, "/containers/\(escape(name, keeping: "/"))\(suffix)", query: query)
    }
}

extension Invocation {
    /// Sends a request for each argument, all at once; prints the argument where that succeeded, and every failure at
    /// the end.
    /// - Parameter tolerating: whether a failure is told only
    func sendForEachArgument(
        tolerating isTolerated: (any Error) -> Bool = { _ in false },
        _ request: (String) throws -> EngineRequest
    ) throws -> Int32 {
        let requests = try arguments.map(request)
        var failures = FailureList()
        try client.performAll(requests) { index, result in
            failures.attempt {
                do {
                    try result.get()
                } catch  where isTolerated(error) {
                    return Output.error(CommandError.text(of: error))
                }
                session.output.line(arguments[index])
                session.output.flush()
            }
        }
        try failures.raise()
        return 0
    }

    /// Does something for each argument in turn; prints the argument where that succeeded, and every failure at the end.
    func forEachArgument(_ body: (String) throws -> Void) throws -> Int32 {
        var failures = FailureList()
        for argument in arguments {
            failures.attempt {
                try body(argument)
                session.output.line(argument)
            }
        }
        session.output.flush()
        try failures.raise()
        return 0
    }
}
