import HTTPTransport
import LinuxKernel
import Logging
import NIOCore
import OCIModel

/// From a request's head to what answers it, with access checked before.
struct RegistryService: RequestService {
    let registry: Registry
    let isSecure: Bool
    let accessLog: AccessLog?

    func plan(_ head: RequestHead) -> RequestPlan {
        let began = ContinuousClock.now
        do {
            let target = try RequestTarget(head.target)
            let named = try RegistryTarget(path: target.path)
            guard named.methods.contains(head.method) else {
                return refusal(Self.wrongMethod(named, head), head, began)
            }
            try checkMode(named, head)
            return RequestPlan(body: bodyPolicy(named, head), endsWithClient: head.method == "GET") {
                body, writer in
                await serve(named, target.query, head, body, writer, began)
            }
        } catch let error as RegistryError {
            return refusal(.refusal(error), head, began)
        } catch let error as HTTPSyntaxError {
            return refusal(refusal(error), head, began)
        } catch {
            return refusal(.refusal(RegistryError(.internal, "\(error)")), head, began)
        }
    }

    func refusal(_ error: HTTPSyntaxError) -> Response {
        var response = Response.refusal(
            RegistryError(error.status == 413 ? .manifestTooLarge : .pageNotFound, error.reason))
        response.status = error.status
        return response
    }

    private func refusal(_ response: Response, _ head: RequestHead, _ began: ContinuousClock.Instant)
        -> RequestPlan
    {
        // Streamed, so that nobody waits for a body that is of no use.
        RequestPlan(body: .stream) { _, writer in
            try? await writer.send(response)
            record(head, nil, nil, writer, began)
        }
    }

    private static func wrongMethod(_ target: RegistryTarget, _ head: RequestHead) -> Response {
        .refusal(
            RegistryError(.unsupported, "\(head.method) is not possible here"),
            [("Allow", target.methods.joined(separator: ", "))])
    }

    private func checkMode(_ target: RegistryTarget, _ head: RequestHead) throws(RegistryError) {
        let changes = !["GET", "HEAD"].contains(head.method) && target != .token
        if changes, registry.settings.isReadOnly {
            throw RegistryError(.readOnly, "this registry is read-only")
        }
        if changes, registry.upstream != nil, head.method != "DELETE" {
            throw RegistryError(.readOnly, "this registry keeps copies of another one: push there")
        }
        if head.method == "DELETE", !registry.settings.allowsDeletion {
            if case .upload = target { return }
            throw RegistryError(.unsupported, "deletion is switched off in this registry")
        }
    }

    private func bodyPolicy(_ target: RegistryTarget, _ head: RequestHead) -> RequestPlan.BodyPolicy {
        switch target {
        case .uploads, .upload: .stream
        // Collected after the access check.
        case .manifest where head.method == "PUT": .stream
        default: .collect(limit: 64 << 10)
        }
    }

    private func serve(
        _ target: RegistryTarget, _ query: Query, _ head: RequestHead, _ body: IncomingBody,
        _ writer: ResponseWriter, _ began: ContinuousClock.Instant
    ) async {
        registry.metrics.begin()
        var user: String?
        do {
            let grants = try await admit(target, head)
            user = grants.user
            let exchange = Exchange(head: head, query: query, body: body, writer: writer, grants: grants)
            try await RegistryRoutes(registry: registry, isSecure: isSecure).answer(target, exchange)
        } catch {
            await report(error, head, writer)
        }
        registry.metrics.end()
        record(head, target, user, writer, began)
    }

    private func admit(_ target: RegistryTarget, _ head: RequestHead) async throws -> Grants {
        if case .open = registry.gatekeeper.mode { return .everything }
        if target == .token { return Grants(user: nil, allowsCatalog: false) { _, _ in false } }
        let need = target.need(head.method)
        let (gatekeeper, isSecure) = (registry.gatekeeper, isSecure)
        let host = head["host"] ?? "localhost"
        // Whoever has shown the right one before does not stand in line behind those who try some.
        guard gatekeeper.hasToCheckPassword(head) else {
            return try gatekeeper.admit(head, need, host: host, isSecure: isSecure)
        }
        return try await registry.checkingPassword {
            try gatekeeper.admit(head, need, host: host, isSecure: isSecure)
        }
    }

    private func report(_ error: any Error, _ head: RequestHead, _ writer: ResponseWriter) async {
        if error is CancellationError || error is ChannelError || writer.hasStarted {
            registry.logger.debug(
                "answer was cut", metadata: ["target": "\(head.target)", "error": "\(error)"])
            return
        }
        let (failure, fields) = Self.failure(error)
        if failure.status >= 500 {
            registry.logger.error(
                "request failed",
                metadata: [
                    "method": "\(head.method)", "target": "\(head.target)", "error": "\(error)",
                ])
        }
        // A client that is gone cannot be told; its connection ends either way.
        try? await writer.send(.refusal(failure, fields))
    }

    private static func failure(_ error: any Error) -> (RegistryError, [(name: String, value: String)]) {
        switch error {
        case let error as RegistryError: return (error, [])
        case let error as AccessRefusal:
            return (
                RegistryError(.unauthorized, "authentication required"),
                [("Www-Authenticate", error.challenge)]
            )
        case let error as HTTPTransportError: return (RegistryError(.uploadInvalid, error.message), [])
        case let error as SystemCallError where error.errno == 28 || error.errno == 122:
            return (RegistryError(.storageFull, "the registry's disk is full", cause: error), [])
        // What went wrong inside is for the log, with paths and all; who asks has no use for it.
        default:
            return (
                RegistryError(.internal, "internal error: the registry's log says what", cause: error), []
            )
        }
    }

    private func record(
        _ head: RequestHead, _ target: RegistryTarget?, _ user: String?, _ writer: ResponseWriter,
        _ began: ContinuousClock.Instant
    ) {
        let took = ContinuousClock.now - began
        registry.metrics.record(
            target?.label ?? "other", head.method, status: writer.status, sent: writer.bodyBytes, took: took)
        accessLog?.write(head, user: user, writer: writer, took: took)
    }
}
