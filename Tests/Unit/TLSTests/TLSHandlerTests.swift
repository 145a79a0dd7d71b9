import Glibc
import LinuxKernel
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPTransport
@testable import TLS

/// The server's handler on a channel of its own, and a client in memory.
final class HandlerPair {
    let authority: TestAuthority
    let client: PipeEnd
    let channel = EmbeddedChannel()
    let handler: TLSHandler
    let recorder = Recorder()

    final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var received: [UInt8] = []
        var hasInputEnded = false
        var error: TLSError?

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += Array(unwrapInboundIn(data).readableBytesView)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { hasInputEnded = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { self.error = error as? TLSError }
    }

    init() throws {
        authority = try TestAuthority()
        let identity = try authority.issue("localhost")
        let serving = try ServerTLS(certificate: identity.certificate, key: identity.key)
        let asking = try TLSContext(authorities: [authority.certificate], identities: [], verifies: true)
        client = try PipeEnd(asking, isServer: false, host: "localhost")
        handler = try serving.handler()
        try channel.pipeline.syncOperations.addHandlers([handler, recorder])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Brings the server what the client has to say, and the client what the server has.
    func exchange() throws {
        if !client.outgoing.isEmpty {
            try channel.writeInbound(ByteBuffer(bytes: client.outgoing))
            client.outgoing = []
        }
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
            client.incoming += Array(bytes.readableBytesView)
        }
    }

    /// - Returns: what the server had to say already
    @discardableResult
    func shakeHands() throws -> [UInt8] {
        for _ in 0..<6 {
            client.shakeHands()
            try exchange()
        }
        try #require(handler.state == .open)
        return client.readAll().0
    }

    func sendFromClient(_ text: String) throws {
        try #require(client.write(Array(text.utf8)).isSuccess)
        try exchange()
    }
}

@Suite struct TLSHandlerTests {
    @Test func whatIsWrittenBeforeTheHandshakeComesAfterIt() throws {
        let pair = try HandlerPair()
        let written = pair.channel.writeAndFlush(ByteBuffer(string: "early"))
        #expect(try pair.shakeHands() == Array("early".utf8))
        try written.wait()
        try pair.sendFromClient("question")
        #expect(pair.recorder.received == Array("question".utf8))
    }

    @Test func manyRecordsArriveInOrder() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        let content = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        for start in stride(from: 0, to: content.count, by: 300_000) {
            pair.channel.write(ByteBuffer(bytes: content[start..<start + 300_000]), promise: nil)
        }
        pair.channel.flush()
        pair.channel.embeddedEventLoop.run()
        try pair.exchange()
        #expect(pair.client.readAll().0 == content)
    }

    @Test func partOfAFileGoesBehindWhatWasWritten() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        let path = "\(pair.authority.folder)/content"
        let content = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        try replaceFile(path, content)
        defer { unlink(path) }
        let file = SharedDescriptor(try openFile(path, O_RDONLY))
        pair.channel.write(ByteBuffer(string: "head"), promise: nil)
        let sent = try #require(pair.handler.send(file, offset: 100, count: 350_000))
        pair.channel.embeddedEventLoop.run()
        let count = try sent.wait()
        try pair.exchange()
        // All of it, unless the file system does not tell what is in memory.
        #expect(pair.client.readAll().0 == Array("head".utf8) + content[100..<100 + count])
    }

    @Test func partBehindTheEndOfAFileIsNotSent() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        let path = "\(pair.authority.folder)/short"
        try replaceFile(path, [1, 2, 3])
        defer { unlink(path) }
        let file = SharedDescriptor(try openFile(path, O_RDONLY))
        let sent = try #require(pair.handler.send(file, offset: 3, count: 10))
        #expect(try sent.wait() == 0)
    }

    @Test func clientsEndIsHandedOnAndAnswersStillGo() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        pair.client.step { $0.end() }
        try pair.exchange()
        #expect(pair.recorder.hasInputEnded && pair.recorder.error == nil)
        pair.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(pair.channel.isActive)
        try pair.channel.writeAndFlush(ByteBuffer(string: "late")).wait()
        try pair.exchange()
        #expect(pair.client.readAll().0 == Array("late".utf8))
    }

    @Test func cutConnectionIsAnErrorAndNoEnd() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        pair.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(pair.recorder.error?.code == .cut && !pair.recorder.hasInputEnded)
        #expect(!pair.channel.isActive)
    }

    @Test func closingSaysSoBehindWhatWasWritten() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        pair.channel.write(ByteBuffer(string: "last"), promise: nil)
        let closed = pair.channel.close()
        try pair.exchange()
        pair.channel.embeddedEventLoop.run()
        try closed.wait()
        pair.client.pipe.inputEnded = true
        let (bytes, outcome) = pair.client.readAll()
        #expect(bytes == Array("last".utf8) && outcome.hasEnded)
    }

    /// Whoever reads an answer of unknown length has to see that it is not whole.
    @Test func cuttingSaysNothing() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        pair.channel.triggerUserOutboundEvent(CutConnection(), promise: nil)
        try pair.exchange()
        #expect(!pair.channel.isActive && pair.client.incoming.isEmpty)
    }

    @Test func halfThatIsClosedLeavesTheOther() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        pair.channel.close(mode: .output, promise: nil)
        try pair.exchange()
        pair.client.pipe.inputEnded = true
        #expect(pair.client.readAll().1.hasEnded)
    }

    @Test func plainRequestIsToldInPlainWords() throws {
        let pair = try HandlerPair()
        try pair.channel.writeInbound(ByteBuffer(string: "GET /_ping HTTP/1.1\r\nHost: a\r\n\r\n"))
        var said = ""
        while let bytes = try pair.channel.readOutbound(as: ByteBuffer.self) { said += String(buffer: bytes) }
        #expect(said.contains("Client sent an HTTP request to an HTTPS server."))
        #expect(pair.recorder.error?.code == .notTLS && !pair.channel.isActive)
    }

    @Test func handshakeThatNeverEndsIsCut() throws {
        let pair = try HandlerPair()
        pair.client.shakeHands()
        pair.client.outgoing.removeLast()
        try pair.exchange()
        #expect(pair.channel.isActive)
        pair.channel.embeddedEventLoop.advanceTime(by: TLSHandler.handshakeTime)
        #expect(!pair.channel.isActive && pair.recorder.error?.code == .protocolFailed)
    }

    /// A client that reads nothing keeps no more than a little of what it is sent in memory.
    @Test func writesWaitForAClientThatReadsNothing() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        pair.channel.isWritable = false
        let written = pair.channel.writeAndFlush(ByteBuffer(repeating: 1, count: 1 << 20))
        try pair.exchange()
        #expect(pair.client.incoming.isEmpty)
        pair.channel.isWritable = true
        pair.channel.pipeline.fireChannelWritabilityChanged()
        pair.channel.embeddedEventLoop.run()
        try written.wait()
        try pair.exchange()
        #expect(pair.client.readAll().0.count == 1 << 20)
    }

    @Test func clientThatTakesNothingCannotKeepAClosingConnection() throws {
        let pair = try HandlerPair()
        try pair.shakeHands()
        pair.channel.isWritable = false
        let written = pair.channel.writeAndFlush(ByteBuffer(repeating: 1, count: 1 << 20))
        let closed = pair.channel.close()
        #expect(pair.channel.isActive)
        pair.channel.embeddedEventLoop.advanceTime(by: TLSHandler.closeTime)
        #expect(!pair.channel.isActive)
        try closed.wait()
        #expect(throws: ChannelError.self) { try written.wait() }
    }
}
