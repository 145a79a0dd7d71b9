import HTTPTransport
import DockerAPI
import Engine
import JSONCodec
import Logging
import OCIModel

/// From a request's head to what answers it: version, route, endpoint, and what every answer carries.
struct Dispatcher: RequestService {
    private let routes = RouteTable()
    private let endpoints: [Operation: Endpoint]
    private let serverFields: [(name: String, value: String)]
    private let logger: Logger

    init(groups: [any EndpointGroup], serverName: String, experimental: Bool, logger: Logger) {
        endpoints = Dictionary(
            groups.flatMap(\.endpoints).map { ($0.operation, $0) }, uniquingKeysWith: { first, _ in first })
        serverFields = [
            // The daemon's, whatever version was asked for.
            ("Api-Version", APIVersion.current.description),
            ("Docker-Experimental", experimental ? "true" : "false"), ("Ostype", "linux"),
            ("Server", serverName),
        ]
        self.logger = logger
    }

    func plan(_ head: RequestHead) -> RequestPlan {
        do {
            let target = try RequestTarget(head.target)
            let (version, path) = try APIVersion.negotiate(path: target.path)
            guard let method = RequestMethod(rawValue: head.method), let found = routes.find(method, path)
            else {
                return refusal(APIError(.pageNotFound, "page not found"), version: version)
            }
            guard let endpoint = endpoints[found.route.operation] else {
                return refusal(notBuilt(found.route), version: version)
            }
            return plan(endpoint, head, target, version, found.parameters)
        } catch let error as APIVersionRefusal {
            return refusal(APIError.badRequest(error.message), version: .current)
        } catch let error as HTTPSyntaxError {
            return refusal(APIError.badRequest(error.reason), version: .current)
        } catch {
            return refusal(error, version: .current)
        }
    }

    private func plan(
        _ endpoint: Endpoint, _ head: RequestHead, _ target: RequestTarget, _ version: APIVersion,
        _ parameters: [String]
    ) -> RequestPlan {
        let fields = serverFields
        let logger = logger
        return RequestPlan(
            body: endpoint.body, endsWithClient: endpoint.endsWithClient, mayLeaveHTTP: endpoint.mayLeaveHTTP
        ) { body, writer in
            let request = Request(
                operation: endpoint.operation, version: version, parameters: parameters, query: target.query,
                head: head, body: body)
            let reply = Reply(writer: writer, fields: fields)
            do {
                logger.debug("request", metadata: ["method": "\(head.method)", "target": "\(head.target)"])
                try await endpoint.respond(request, reply)
            } catch {
                await Self.report(error, request, reply, logger)
            }
        }
    }

    func refusal(_ error: HTTPSyntaxError) -> Response { .error(status: error.status, message: error.reason) }

    private func refusal(_ error: any Error, version: APIVersion) -> RequestPlan {
        let fields = serverFields
        let failure = Failure(error)
        return RequestPlan { _, writer in
            try? await Reply(writer: writer, fields: fields).error(
                status: failure.status, message: failure.message)
        }
    }

    private func notBuilt(_ route: Route) -> APIError {
        APIError(
            .notBuilt,
            "\(route.operation.rawValue) (\(route.method.rawValue) \(route.template)) is not supported yet by this "
                + "version of Skiff")
    }

    private static func report(_ error: any Error, _ request: Request, _ reply: Reply, _ logger: Logger) async
    {
        let failure = Failure(error)
        let metadata: Logger.Metadata = [
            "op": "\(request.operation.rawValue)", "error": "\(failure.message)",
            "status": "\(failure.status)",
        ]
        if failure.isCancellation {
            logger.debug("client left", metadata: ["op": "\(request.operation.rawValue)"])
        } else if failure.status == 500 {
            logger.error("request failed", metadata: metadata)
        } else {
            logger.debug("request refused", metadata: metadata)
        }
        guard !reply.writer.hasStarted else { return }
        // A client that is gone cannot be told; its connection ends either way.
        try? await reply.error(status: failure.status, message: failure.message)
    }
}

/// An error as a client is told it.
struct Failure: Sendable {
    let status: Int
    let message: String
    let isCancellation: Bool

    init(_ error: any Error) {
        isCancellation = error is CancellationError
        switch error {
        case let error as any CategorizedError:
            status = error.category.httpStatus
            message = error.message
        case let error as ReferenceError:
            status = 400
            message = "\(error)"
        case let error as DecodingError:
            status = 400
            message = error.summary
        case let error as JSONSyntaxError:
            status = 400
            message = error.description
        default:
            status = 500
            message = "\(error)"
        }
    }
}
