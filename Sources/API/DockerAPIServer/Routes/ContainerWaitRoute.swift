import HTTPTransport
import DockerAPI
import Engine

/// `POST /containers/{id}/wait`: the fields go out as soon as the wait is registered, the body when it ends, so that a
/// client can start the container in between.
struct ContainerWaitRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.containerWait, endsWithClient: true, wait)] }

    @Sendable private func wait(_ request: Request, _ reply: Reply) async throws {
        let text = request.query["condition"] ?? ""
        guard let condition = text.isEmpty ? .notRunning : WaitCondition(rawValue: text) else {
            throw APIError.badRequest("invalid condition: \"\(text)\"")
        }
        let waiter = try await engine.containers.wait(request.reference, condition: condition)
        let stream = try await reply.stream("application/json")
        let result = try await waiter.result()
        var answer = ContainerWaitResponse()
        answer.statusCode = Int64(result.exitCode)
        if let message = result.error {
            var error = ContainerWaitError()
            error.message = message
            answer.error = NullableValue(error)
        } else if request.version.hasKernelMemory {
            answer.error = NullableValue(nil)
        }
        try await stream.line(answer)
        try await stream.finish()
    }
}
