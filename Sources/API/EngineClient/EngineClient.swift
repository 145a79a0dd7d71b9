package import DockerAPI
package import JSONCodec

/// A blocking client of one engine. It keeps one idle connection and opens further ones while answers are being read.
///
/// Requests go out for the newest API version that both sides are known to speak, at first the client's own: a daemon
/// that is older says so, and names its version, in its first answer. That saves the usual `_ping`.
package final class EngineClient {
    package let address: EngineAddress
    package let daemonName: DaemonName
    /// The version that requests are made for.
    package private(set) var version: APIVersion
    /// Whether `version` was set by the user, and is never changed.
    private let isVersionFixed: Bool
    private var idle: EngineConnection?

    /// - Parameter version: a version that the user insists on; nil negotiates
    package init(address: EngineAddress, daemonName: DaemonName, version: APIVersion? = nil) {
        self.address = address
        self.daemonName = daemonName
        self.version = version ?? .current
        isVersionFixed = version != nil
    }

    // MARK: Plain requests

    /// Sends a request and returns its answer as soon as the head is there.
    /// - Throws: `EngineError`; an error status becomes `refused` with the daemon's message
    package func send(_ request: EngineRequest) throws(EngineError) -> EngineResponse {
        do throws(EngineError) {
            return try begin(request).response()
        } catch {
            guard error.code == .versionTooNew else { throw error }
            return try begin(request).response()
        }
    }

    /// Sends the request that `build` makes for the version in use, again where that turns out to be too new.
    package func send(
        _ build: (APIVersion) throws(EngineError) -> EngineRequest
    ) throws(EngineError) -> EngineResponse {
        do throws(EngineError) {
            return try begin(try build(version)).response()
        } catch {
            guard error.code == .versionTooNew else { throw error }
            return try begin(try build(version)).response()
        }
    }

    /// The answer's JSON body.
    package func json(_ request: EngineRequest) throws(EngineError) -> JSONValue {
        try send(request).readJSON()
    }

    /// Sends a request whose answer is not needed.
    package func perform(_ request: EngineRequest) throws(EngineError) {
        _ = try send(request).readAll()
    }

    /// Sends requests side by side, each on a connection of its own, and hands over their outcomes in order.
    /// - Parameter width: how many are under way at once
    package func performAll(
        _ requests: [EngineRequest], width: Int = 50, _ outcome: (Int, Result<Void, EngineError>) -> Void
    ) {
        var first = 0
        while first < requests.count {
            let last = min(first + width, requests.count)
            let pending = requests[first..<last].map { request in
                Result<PendingResponse, EngineError> { () throws(EngineError) in try begin(request) }
            }
            for (offset, result) in pending.enumerated() {
                let done = Result<Void, EngineError> { () throws(EngineError) in
                    do throws(EngineError) {
                        _ = try result.get().response().readAll()
                    } catch {
                        guard error.code == .versionTooNew else { throw error }
                        try perform(requests[first + offset])
                    }
                }
                outcome(first + offset, done)
            }
            first = last
        }
    }

    // MARK: Requests in two steps

    /// Writes a request; its answer is read later, so that several may be under way.
    /// - Parameter upgrade: asks for a raw stream in both directions in place of an answer's body
    package func begin(_ request: EngineRequest, upgrade: Bool = false) throws(EngineError) -> PendingResponse
    {
        let body = request.body?.bytes() ?? []
        let bytes =
            request.head(
                version: version, host: hostHeader, contentLength: body.count, upgrade: upgrade) + body
        if let connection = takeIdle() {
            // A daemon may close an idle connection at any moment; nothing was processed then.
            do throws(EngineError) {
                try connection.send(bytes)
                return pending(connection, request)
            } catch {}
        }
        let connection = try address.connect(daemonName: daemonName)
        try connection.send(bytes)
        return pending(connection, request)
    }

    private func pending(_ connection: EngineConnection, _ request: EngineRequest) -> PendingResponse {
        PendingResponse(client: self, connection: connection, request: request, version: version)
    }

    /// Writes a request whose body comes piece by piece (chunked).
    /// - Parameter nextPiece: the next piece; empty at the end
    package func upload(
        _ request: EngineRequest, contentType: String, _ nextPiece: () throws -> [UInt8]
    ) throws -> EngineResponse {
        try negotiate()
        var request = request
        request.headers.append(("Content-Type", contentType))
        let connection = try takeIdle() ?? address.connect(daemonName: daemonName)
        let head = request.head(version: version, host: hostHeader, contentLength: nil, upgrade: false)
        let pending = pending(connection, request)
        do {
            try connection.send(head)
            while true {
                let piece = try nextPiece()
                if piece.isEmpty { break }
                try connection.send(
                    Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [0x0D, 0x0A])
            }
            try connection.send(Array("0\r\n\r\n".utf8))
        } catch let error as EngineError where error.code == .connectionLost {
            // The daemon has answered early, with an error usually: that is what the caller wants to know.
            if let response = try? pending.response() { return response }
            throw error
        }
        return try pending.response()
    }

    /// Settles the version before a request that cannot be repeated.
    package func negotiate() throws(EngineError) {
        guard !isVersionFixed, !isNegotiated else { return }
        _ = try ping()
    }

    /// Asks the daemon who it is; settles the version.
    package func ping() throws(EngineError) -> ResponseHead {
        var request = EngineRequest(.head, "/_ping")
        request.isVersioned = false
        return try begin(request).response().head
    }

    // MARK: State

    private var isNegotiated = false

    /// Learns the daemon's version from the header that every answer carries.
    fileprivate func learn(from head: ResponseHead) {
        guard !isVersionFixed, !isNegotiated, let text = head.header("api-version"),
            let offered = APIVersion(text)
        else { return }
        isNegotiated = true
        if offered < version { version = offered }
    }

    fileprivate func keep(_ connection: EngineConnection) { idle = connection }

    private func takeIdle() -> EngineConnection? {
        defer { idle = nil }
        guard let connection = idle, !connection.isStale else { return nil }
        return connection
    }

    private var hostHeader: String {
        switch address {
        case .unix: "api.moby.localhost"
        case .tcp: String(address.description.dropFirst("tcp://".count))
        }
    }
}

/// A request that has been sent.
package struct PendingResponse {
    fileprivate let client: EngineClient
    fileprivate let connection: EngineConnection
    fileprivate let request: EngineRequest
    /// The version that the request was made for.
    fileprivate let version: APIVersion

    /// Waits for the answer's head.
    /// - Throws: `EngineError`
    package func response() throws(EngineError) -> EngineResponse {
        let head = try ResponseHead(reading: connection)
        let client = client
        client.learn(from: head)
        let response = try EngineResponse(
            head: head, connection: connection, bodyless: request.method == .head,
            release: { client.keep($0) })
        if head.status < 400 { return response }
        let message = try Self.message(of: response)
        throw EngineError(code(head), message, status: head.status)
    }

    /// Waits until the connection has become a raw stream.
    /// - Throws: `EngineError`
    package func upgraded() throws(EngineError) -> UpgradedStream {
        let head = try ResponseHead(reading: connection)
        client.learn(from: head)
        if head.status == 101 || head.status == 200 {
            return UpgradedStream(
                connection: connection, contentType: head.header("content-type") ?? "",
                isLive: head.header("skiff-attached") == "live")
        }
        let response = try EngineResponse(
            head: head, connection: connection, bodyless: false, release: { _ in })
        throw EngineError(code(head), try Self.message(of: response), status: head.status)
    }

    private func code(_ head: ResponseHead) -> EngineError.Code {
        head.status == 400 && request.isVersioned && client.version < version ? .versionTooNew : .refused
    }

    /// The `message` of an error's body, else the body itself.
    private static func message(of response: EngineResponse) throws(EngineError) -> String {
        let body = try response.readAll(limit: 1 << 20)
        if let value = try? JSONValue(parsing: body), let message = value["message"]?.stringValue {
            return message
        }
        var text = String(decoding: body, as: UTF8.self)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text.isEmpty ? "request returned status \(response.head.status) without a message" : text
    }
}

/// A connection that carries raw bytes in both directions (`attach`, `exec`).
package struct UpgradedStream {
    package let connection: EngineConnection
    /// `application/vnd.docker.raw-stream` with a terminal, `…multiplexed-stream` without; older daemons always
    /// name the former.
    package let contentType: String
    /// The daemon says that the stream is that of a container which runs, and ends with it. Docker does not say so.
    package let isLive: Bool
}
