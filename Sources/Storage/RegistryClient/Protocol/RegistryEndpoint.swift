import OCIModel
import Synchronization

/// One server that serves a registry's content: the registry itself or a mirror of it. Thread-safe.
final class RegistryEndpoint: Sendable {
    /// Where it may be, in the order in which the addresses are tried.
    private let candidates: [WebAddress]
    let isMirror: Bool
    let agent: HTTPAgent
    let authorizer: Authorizer
    private let found = Mutex<WebAddress?>(nil)

    init(
        candidates: [WebAddress], isMirror: Bool, agent: HTTPAgent, credentials: RegistryCredentials,
        wantsRefreshToken: Bool = false
    ) {
        self.candidates = candidates
        self.isMirror = isMirror
        self.agent = agent
        authorizer = Authorizer(
            agent: agent, credentials: credentials, wantsRefreshToken: wantsRefreshToken)
    }

    /// The addresses of a registry by its host in references: TLS first, and plain HTTP where it was declared insecure.
    static func addresses(of domain: String, agent: HTTPAgent) throws -> [WebAddress] {
        let host = domain == Reference.defaultDomain ? "registry-1.docker.io" : domain
        guard let address = WebAddress("https://\(host)") else {
            throw RegistryError(.invalidArgument, "\"\(domain)\" is no host of a registry")
        }
        guard agent.isInsecure(address), let plain = WebAddress("http://\(host)") else { return [address] }
        return [address, plain]
    }

    // MARK: - First contact

    /// The server's address, found by asking for its version (distribution specification, "Determining support").
    /// - Throws: `RegistryError`; nobody waits for a server that is not there
    func address() throws -> WebAddress {
        if let known = found.withLock({ $0 }) { return known }
        var failure: RegistryError?
        for candidate in candidates {
            do {
                let address = try retrying(agent) { try ping(candidate) }
                found.withLock { $0 = address }
                return address
            } catch let error as RegistryError where Self.mayBePlain(error) {
                failure = error
            }
        }
        throw failure ?? RegistryError(.internal, "a registry without address")
    }

    private static func mayBePlain(_ error: RegistryError) -> Bool {
        error.code == .untrusted || error.code == .unreachable
    }

    private func ping(_ base: WebAddress) throws -> WebAddress {
        let address = base.with(target: (base.path == "/" ? "" : base.path.trimmedSlash) + "/v2/")
        let answer: HTTPAnswer
        do {
            answer = try agent.send(HTTPRequest("GET", address))
        } catch let error as RegistryError where error.code != .cancelled {
            let waits = error.isTransient && error.code != .unreachable
            throw RegistryError(
                error.code, "Get \"\(address)\": \(error.message)", cause: error, isTransient: waits)
        }
        switch answer.status {
        case 200..<300, 404:
            // Some mirrors and proxies do not answer this, and serve everything else.
            answer.drain()
        case 401:
            authorizer.note(answer)
            answer.drain()
        default: throw RegistryAnswerError.failure(answer, what: "Get \"\(address)\"")
        }
        return address
    }

    // MARK: - Requests

    /// Sends a request with whatever authorization the server wants.
    /// - Parameter make: makes the request for a path below `/v2/`'s address, or an address that the server named
    func send(
        scopes: Set<RegistryScope>, _ make: (WebAddress) throws -> HTTPRequest
    ) throws -> HTTPAnswer {
        let base = try address()
        for round in 0... {
            var request = try make(base)
            let isOwn = request.address.origin == base.origin
            if isOwn, let field = try authorizer.authorization(scopes) { request.set("Authorization", field) }
            let answer = try agent.sendFollowing(request)
            guard answer.status == 401, isOwn, answer.address.origin == base.origin, round < 2,
                try authorizer.learn(from: answer, scopes: scopes)
            else { return answer }
            answer.drain()
        }
        throw RegistryError(.internal, "a request without end")
    }
}

extension StringProtocol {
    /// Without a slash at its end.
    var trimmedSlash: String { hasSuffix("/") ? String(dropLast()) : String(self) }
}

/// Does something again where the failure may pass, waiting as long as the server asks, else longer each time.
func retrying<T>(_ agent: HTTPAgent, _ body: () throws -> T) throws -> T {
    var backOff = BackOff(agent)
    while true {
        do {
            return try body()
        } catch let error as RegistryError {
            try backOff.wait(after: error)
        }
    }
}

/// The pauses between attempts.
struct BackOff {
    private let agent: HTTPAgent
    private var failures = 0
    /// Milliseconds: whoever is asked to wait longer is told so instead.
    private static let longest = 120_000

    init(_ agent: HTTPAgent) { self.agent = agent }

    mutating func reset() { failures = 0 }

    /// - Throws: `error` itself where another attempt makes no sense
    mutating func wait(after error: RegistryError) throws {
        failures += 1
        // Whoever tries around this need not do it all again.
        guard error.isTransient, failures < agent.configuration.attempts else { throw error.lasting }
        let growth = agent.configuration.retryDelay << min(failures - 1, 6)
        let jitter = growth > 0 ? Int.random(in: 0...growth / 4) : 0
        let pause = max(growth + jitter, min(error.retryAfter ?? 0, 1 << 32) * 1000)
        guard pause <= Self.longest else {
            throw RegistryError(
                error.code, "\(error.message): the registry asks to wait for \(pause / 1000) seconds",
                cause: error,
                retryAfter: error.retryAfter)
        }
        try agent.interrupter.sleep(milliseconds: pause)
    }
}
