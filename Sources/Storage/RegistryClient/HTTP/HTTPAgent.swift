import LinuxKernel
import Synchronization
import TLS

/// Makes requests: finds or makes a connection, through a proxy where one is named, with TLS where the address says so.
/// Keeps idle connections until it goes away itself. Thread-safe.
final class HTTPAgent: Sendable {
    private struct State {
        var idle: [String: [HTTPConnection]] = [:]
        var contexts: [String: TLSContext] = [:]
    }

    let configuration: RegistryConfiguration
    let interrupter: Interrupter
    private let insecure: InsecureHosts
    private let state = Mutex(State())

    private static let idlePerOrigin = 16
    private static let redirectLimit = 10
    private static let uploadPatience = 5

    init(configuration: RegistryConfiguration, interrupter: Interrupter) {
        self.configuration = configuration
        self.interrupter = interrupter
        insecure = InsecureHosts(configuration.insecureRegistries)
    }

    func isInsecure(_ address: WebAddress) -> Bool { insecure.contains(address) }

    /// Sends a request and follows redirects of those that change nothing. Authorization stays with the server that asked
    /// for it, also where a later redirect leads back to it.
    /// - Throws: `RegistryError`
    func sendFollowing(_ first: HTTPRequest) throws -> HTTPAnswer {
        var request = first
        for _ in 0...Self.redirectLimit {
            let answer = try send(request)
            guard request.method == "GET" || request.method == "HEAD",
                [301, 302, 303, 307, 308].contains(answer.status)
            else { return answer }
            guard let location = answer.head["location"], let next = answer.address.resolving(location) else {
                throw RegistryError(
                    .invalidAnswer, "\(answer.address) redirects to an address that is none")
            }
            if answer.address.scheme == .https, next.scheme == .http, !isInsecure(next) {
                throw RegistryError(
                    .untrusted, "\(answer.address) redirects to \(next), which has no TLS: refused")
            }
            answer.drain()
            if next.origin != request.address.origin {
                request.fields.removeAll { $0.name == "Authorization" }
            }
            request.address = next
        }
        throw RegistryError(
            .invalidAnswer, "stopped after \(Self.redirectLimit) redirects of \(first.address)")
    }

    /// Sends a request and reads the answer's head. Follows no redirect.
    /// - Throws: `RegistryError`
    func send(_ request: HTTPRequest) throws -> HTTPAnswer {
        try interrupter.check()
        while let connection = takeIdle(request.address.origin) {
            do {
                return try exchange(request, connection)
            } catch let error as RegistryError where error.isTransient && error.code == .unavailable {
                // The server closed it while it was idle. Uploads are begun again by whoever asked for them.
                if case .stream = request.body { throw error }
            }
        }
        return try exchange(request, try connect(request.address))
    }

    private func exchange(_ request: HTTPRequest, _ connection: HTTPConnection) throws -> HTTPAnswer {
        // Behind a tunnel the proxy sees nothing.
        let proxy = request.address.scheme == .http ? proxy(for: request.address) : nil
        try connection.send(request, through: proxy, userAgent: configuration.userAgent)
        let head = try connection.receiveHead(patience: request.method == "PUT" ? Self.uploadPatience : 1)
        return try HTTPAnswer(connection, head: head, request: request) { [weak self] in self?.keep($0) }
    }

    private func takeIdle(_ origin: String) -> HTTPConnection? {
        while let found = state.withLock({ $0.idle[origin]?.popLast() }) {
            if found.isQuiet { return found }
        }
        return nil
    }

    private func keep(_ connection: HTTPConnection) {
        guard !connection.isCutShort else { return }
        state.withLock { state in
            if state.idle[connection.origin, default: []].count < Self.idlePerOrigin {
                state.idle[connection.origin, default: []].append(connection)
            }
        }
    }

    // MARK: - Connections

    private func proxy(for address: WebAddress) -> Proxy? { configuration.proxies.proxy(for: address) }

    private func connect(_ address: WebAddress) throws -> HTTPConnection {
        let timeouts = configuration.timeouts
        let dialer = Dialer(interrupter: interrupter, timeout: timeouts.connect)
        guard let proxy = proxy(for: address) else {
            let socket = try dialer.connect(host: address.host, port: address.port)
            return connection(try transport(socket, address), address)
        }
        let outer: any Transport
        do {
            let socket = try dialer.connect(host: proxy.address.host, port: proxy.address.port)
            outer = try transport(socket, proxy.address)
        } catch let error as RegistryError where error.code != .cancelled {
            throw RegistryError(
                error.code, "proxyconnect tcp: \(error.message)", cause: error, isTransient: error.isTransient
            )
        }
        guard address.scheme == .https else { return connection(outer, address) }
        try openTunnel(outer, proxy, address)
        if let plain = outer as? SocketTransport {
            return connection(try transport(plain.descriptor, address), address)
        }
        let inner = try NestedTLSTransport(
            outer, context: try context(for: address), host: address.host, peer: address.authority)
        return connection(inner, address)
    }

    private func connection(_ transport: any Transport, _ address: WebAddress) -> HTTPConnection {
        HTTPConnection(transport, origin: address.origin, headTime: configuration.timeouts.idle)
    }

    /// CONNECT (RFC 9110, section 9.3.6).
    private func openTunnel(_ outer: any Transport, _ proxy: Proxy, _ address: WebAddress) throws {
        var text = "CONNECT \(address.hostAndPort) HTTP/1.1\r\nHost: \(address.hostAndPort)\r\n"
        if let field = proxy.authorization { text += "Proxy-Authorization: \(field)\r\n" }
        try Array((text + "\r\n").utf8).withUnsafeBytes { try outer.write($0) }
        // Byte by byte: what comes behind the head is not the proxy's.
        var head: [UInt8] = []
        while head.suffix(4) != [0x0D, 0x0A, 0x0D, 0x0A] {
            var byte: UInt8 = 0
            let count = try withUnsafeMutableBytes(of: &byte) { try outer.read(into: $0) }
            guard count == 1, head.count < 16 << 10 else {
                throw RegistryError(
                    .unavailable, "the proxy \(proxy.address) gave no answer", isTransient: true)
            }
            head.append(byte)
        }
        let answer = try HTTPHead(parsing: head.dropLast(2))
        guard (200..<300).contains(answer.status) else {
            throw RegistryError(
                .unavailable,
                "the proxy \(proxy.address) refused to connect to \(address.hostAndPort): status \(answer.status)"
                    + (answer.status == 407 ? "; put USER:PASSWORD@ before its name" : ""),
                isTransient: answer.status >= 500)
        }
    }

    private func transport(_ socket: SharedDescriptor, _ address: WebAddress) throws -> any Transport {
        let timeouts = configuration.timeouts
        guard address.scheme == .https else {
            return SocketTransport(
                socket, peer: address.authority, interrupter: interrupter, idle: timeouts.idle)
        }
        return try TLSTransport(
            socket, context: try context(for: address), host: address.host, peer: address.authority,
            interrupter: interrupter, timeouts: timeouts)
    }

    private func context(for address: WebAddress) throws -> TLSContext {
        let key = address.hostAndPort
        if let known = state.withLock({ $0.contexts[key] }) { return known }
        var certificates = try HostCertificates(
            host: address.hostAndPort, folders: configuration.certificateFolders)
        if certificates == HostCertificates(), address.authority != address.hostAndPort {
            certificates = try HostCertificates(
                host: address.authority, folders: configuration.certificateFolders)
        }
        let made: TLSContext
        do throws(TLSError) {
            made = try TLSContext(
                authorities: certificates.authorities, identities: certificates.clients,
                verifies: !isInsecure(address))
        } catch {
            throw RegistryError(
                error.code == .fileInvalid ? .untrusted : .internal, error.message, cause: error)
        }
        return state.withLock { state in
            if let known = state.contexts[key] { return known }
            state.contexts[key] = made
            return made
        }
    }
}
