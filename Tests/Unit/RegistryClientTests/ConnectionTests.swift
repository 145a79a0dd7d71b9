import Glibc
import LinuxKernel
import Testing

@testable import RegistryClient

/// Servers that do not play by the rules, over real sockets.
@Suite struct ConnectionTests {
    /// Listens on the loopback and gives the first connection to `serve`, on a thread of its own.
    final class Server {
        let port: UInt16
        private var thread = pthread_t()

        private final class Box {
            let listener: Int32
            let serve: (Int32) -> Void
            init(_ listener: Int32, _ serve: @escaping (Int32) -> Void) {
                (self.listener, self.serve) = (listener, serve)
            }
        }

        init(_ serve: @escaping (Int32) -> Void) throws {
            signal(SIGPIPE, SIG_IGN)
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, size) == 0 && listen(listener, 4) == 0
                        && getsockname(listener, $0, &size) == 0
                }
            }
            try #require(isBound)
            port = UInt16(bigEndian: address.sin_port)
            let box = Unmanaged.passRetained(Box(listener, serve))
            pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let box = Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
                    let connection = accept(box.listener, nil, nil)
                    box.serve(connection)
                    close(connection)
                    close(box.listener)
                    return nil
                }, box.toOpaque())
        }

        func join() { pthread_join(thread, nil) }

        static func say(_ text: String, _ connection: Int32) -> Bool {
            let bytes = Array(text.utf8)
            return send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        }
    }

    static func ask(_ server: Server, body: HTTPRequest.Body = .none, idle: Int32 = 20_000) throws
        -> HTTPAnswer
    {
        var configuration = RegistryConfiguration()
        configuration.timeouts.idle = idle
        let agent = HTTPAgent(configuration: configuration, interrupter: try Interrupter())
        let address = try #require(WebAddress("http://127.0.0.1:\(server.port)/"))
        var request = HTTPRequest(body.isNone ? "GET" : "PUT", address)
        request.body = body
        return try agent.send(request)
    }

    static func code(_ body: () throws -> HTTPAnswer) -> RegistryError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? RegistryError)?.code
        }
    }

    @Test func headThatDripsIsGivenUp() throws {
        let server = try Server { connection in
            guard Server.say("HTTP/1.1 200 OK\r\nX-Drip: ", connection) else { return }
            // Until the client has had enough.
            while Server.say("x", connection) { usleep(5_000) }
        }
        #expect(Self.code { try Self.ask(server, idle: 300) } == .timedOut)
        server.join()
    }

    @Test func headWithoutEndIsRefused() throws {
        let line = "X-Long: " + String(repeating: "x", count: 4000) + "\r\n"
        let server = try Server { connection in
            guard Server.say("HTTP/1.1 200 OK\r\n", connection) else { return }
            while Server.say(line, connection) {}
        }
        #expect(Self.code { try Self.ask(server) } == .invalidAnswer)
        server.join()
    }

    @Test func provisionalAnswersWithoutEndAreRefused() throws {
        let server = try Server { connection in
            while Server.say("HTTP/1.1 100 Continue\r\n\r\n", connection) {}
        }
        #expect(Self.code { try Self.ask(server) } == .invalidAnswer)
        server.join()
    }

    @Test func trailersWithoutEndAreRefused() throws {
        let server = try Server { connection in
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
            guard Server.say(head, connection) else { return }
            while Server.say("X: y\r\n", connection) {}
        }
        do {
            // The server writes until the client closes: the answer has to be gone before it is waited for.
            let answer = try Self.ask(server)
            #expect(throws: RegistryError.self) { try answer.readAll(limit: 1 << 20, "it") }
        }
        server.join()
    }

    private final class Endless: BodySource {
        func read(into buffer: UnsafeMutableRawBufferPointer) -> Int { buffer.count }
    }

    /// The refusal is read, though the body that it refuses has not come to its end.
    @Test func refusalDuringAnUploadIsHeard() throws {
        let server = try Server { connection in
            var room = [UInt8](repeating: 0, count: 1000)
            _ = recv(connection, &room, room.count, 0)
            _ = Server.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", connection)
            shutdown(connection, Int32(SHUT_WR))
            // Read on, so that the refusal is not lost by a reset, until the client closes.
            while recv(connection, &room, room.count, 0) > 0 {}
        }
        do {
            let answer = try Self.ask(server, body: .stream(length: 1 << 40) { Endless() })
            #expect(answer.status == 403)
            #expect(try answer.readAll(limit: 100, "it") == Array("no".utf8))
        }
        server.join()
    }

    @Test func timesToWaitAreReadInBothForms() throws {
        func seconds(_ value: String) throws -> Int? {
            try HTTPHead(parsing: Array("HTTP/1.1 429 Slow\r\nRetry-After: \(value)\r\n".utf8)[...])
                .retryAfter
        }
        #expect(try seconds("17") == 17)
        #expect(try seconds("-3") == 0)
        #expect(try seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 0)
        #expect(try (seconds("Wed, 01 Jan 2200 00:00:00 GMT") ?? 0) > 1_000_000)
        #expect(try seconds("soon") == nil)
    }

    @Test func passwordsOfProxiesAreDecoded() throws {
        let proxies = ProxySettings(environment: ["http_proxy": "http://us%40er:p%3Aw@proxy.example:3128"])
        let registry = try #require(WebAddress("http://registry.example/"))
        let proxy = try #require(proxies.proxy(for: registry))
        #expect(proxy.address.description == "http://proxy.example:3128/")
        #expect(proxy.authorization == "Basic dXNAZXI6cDp3")
    }
}

extension HTTPRequest.Body {
    fileprivate var isNone: Bool { if case .none = self { true } else { false } }
}
