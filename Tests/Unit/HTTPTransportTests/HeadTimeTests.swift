import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPTransport

/// Clients that take their time.
@Suite struct HeadTimeTests {
    private struct Refusing: RequestService {
        func plan(_ head: RequestHead) -> RequestPlan { RequestPlan { _, _ in } }
        func refusal(_ error: HTTPSyntaxError) -> Response { Response(status: error.status) }
    }

    private func connected() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(
            handler: ConnectionHandler(service: Refusing(), tls: nil, logger: Logger(label: "test")))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    @Test func headThatComesByteByByteEndsTheConnection() throws {
        let channel = try connected()
        for byte in "GET / HTTP/1.1\r\n".utf8 {
            if channel.isActive { try channel.writeInbound(ByteBuffer(bytes: [byte])) }
            channel.embeddedEventLoop.advanceTime(by: .seconds(3))
        }
        let answer = try #require(try channel.readOutbound(as: ByteBuffer.self))
        #expect(String(buffer: answer).hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(!channel.isActive)
    }

    @Test func connectionWithoutARequestMayWait() throws {
        let channel = try connected()
        channel.embeddedEventLoop.advanceTime(by: .hours(10))
        #expect(channel.isActive)
    }
}
