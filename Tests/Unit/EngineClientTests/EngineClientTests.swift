import DockerAPI
import EngineClient
import Glibc
import JSONCodec
import Testing

/// The client against answers played by a thread on the other end of a unix socket.
@Suite struct EngineClientTests {
    @Test func chunkedBodiesAreJoined() throws {
        let server = try ScriptedServer([
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\nTrailer: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        ])
        let client = server.client()
        #expect(try client.json(EngineRequest(.get, "/a")) == ["a": 1])
        #expect(try client.json(EngineRequest(.get, "/b")) == [])
        #expect(server.received().count == 2)
    }

    @Test func anOlderDaemonIsAskedAgainInItsVersion() throws {
        let refusal = "{\"message\":\"client version 1.51 is too new\"}"
        let server = try ScriptedServer([
            "HTTP/1.1 400 Bad Request\r\nApi-Version: 1.41\r\nContent-Length: \(refusal.utf8.count)\r\n\r\n\(refusal)",
            "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 4\r\n\r\ntrue",
        ])
        let client = server.client()
        #expect(try client.json(EngineRequest(.get, "/info")) == true)
        #expect(client.version == APIVersion(1, 41))
        #expect(
            server.received().map { String($0.prefix { !$0.isNewline }) } == [
                "GET /v1.51/info HTTP/1.1", "GET /v1.41/info HTTP/1.1",
            ])
    }

    @Test func errorsCarryTheDaemonsMessage() throws {
        let body = "{\"message\":\"No such container: x\"}"
        let server = try ScriptedServer([
            "HTTP/1.1 404 Not Found\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        ])
        let error = #expect(throws: EngineError.self) {
            try server.client().perform(EngineRequest(.get, "/containers/x/json"))
        }
        #expect(error?.message == "No such container: x")
        #expect(error?.status == 404)
    }

    @Test func linesOfJSONComeOneByOneAndEnd() throws {
        let body = "{\"a\":1}\r\n\n[]\n{\"b\":2}"
        let server = try ScriptedServer([
            "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        ])
        let response = try server.client().send(EngineRequest(.get, "/events"))
        #expect(try response.nextJSONLine() == ["a": 1])
        #expect(try response.nextJSONLine() == [])
        #expect(try response.nextJSONLine() == ["b": 2])
        let last = try response.nextJSONLine()
        #expect(last.map { _ in true } == Optional<Bool>.none)
    }

    @Test(arguments: [
        "", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func brokenAnswersAreErrors(_ answer: String) throws {
        let server = try ScriptedServer([answer])
        #expect(throws: EngineError.self) { _ = try server.client().json(EngineRequest(.get, "/a")) }
    }
}

/// Answers the requests of one connection with fixed texts, then closes it.
final class ScriptedServer: @unchecked Sendable {
    private let path: String
    private let listener: Int32
    private let answers: [String]
    private var requests: [String] = []
    private var thread = pthread_t()

    init(_ answers: [String]) throws {
        self.answers = answers
        path = "/tmp/skiff-client-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sock"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 4) == 0)
        let context = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { context in
                context.map { Unmanaged<ScriptedServer>.fromOpaque($0).takeRetainedValue().serve() }
                return nil
            }, context)
    }

    func client() -> EngineClient { EngineClient(address: .unix(path: path), daemonName: .skiff) }

    /// What was asked, once every answer has been given.
    func received() -> [String] {
        pthread_join(thread, nil)
        return requests
    }

    private func serve() {
        let connection = accept(listener, nil, nil)
        for answer in answers {
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 4096)
            while !text.contains("\r\n\r\n") {
                let count = read(connection, &buffer, buffer.count)
                if count <= 0 { break }
                text += String(decoding: buffer[0..<count], as: UTF8.self)
            }
            requests.append(text)
            _ = Array(answer.utf8).withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
        }
        close(connection)
        close(listener)
        unlink(path)
    }
}
