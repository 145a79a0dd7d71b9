import HTTPTransport
import DockerAPI

/// What answers one operation.
struct Endpoint: Sendable {
    typealias Handler = @Sendable (Request, Reply) async throws -> Void

    let operation: Operation
    var body: RequestPlan.BodyPolicy
    var endsWithClient: Bool
    var mayLeaveHTTP: Bool
    let respond: Handler

    /// - Parameters:
    ///   - endsWithClient: whether the handler is cancelled when the client leaves
    ///   - mayLeaveHTTP: whether the connection becomes a stream
    init(
        _ operation: Operation, body: RequestPlan.BodyPolicy = .collect(limit: 4 << 20),
        endsWithClient: Bool = false, mayLeaveHTTP: Bool = false, _ respond: @escaping Handler
    ) {
        self.operation = operation
        self.body = body
        self.endsWithClient = endsWithClient
        self.mayLeaveHTTP = mayLeaveHTTP
        self.respond = respond
    }
}

/// A group of operations of one kind of object.
protocol EndpointGroup: Sendable {
    var endpoints: [Endpoint] { get }
}
