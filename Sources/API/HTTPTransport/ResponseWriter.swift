import Glibc
package import LinuxKernel
package import NIOCore
import NIOPosix
import Synchronization

/// A client's connection after it has left HTTP.
package struct ClientStream: Sendable {
    /// A second descriptor of the client's socket, which the channel has given up; where the connection is encrypted,
    /// the end of a pair of sockets between which and the client this process carries the bytes.
    package let socket: SharedDescriptor
    /// What came behind the request.
    package let alreadyRead: [UInt8]
}

/// What is still to come of an answer whose length the client has been told.
package struct PendingBody: Sendable {
    fileprivate var head: ByteBuffer?
    /// Bytes that are missing.
    package fileprivate(set) var length: Int
}

/// The way back to a client for one request. Used by one task, one call after another; each call returns when the
/// bytes are in the kernel's hands, so that a slow client slows its stream down.
package final class ResponseWriter: Sendable {
    private struct State {
        var hasStarted = false
        var isChunked = false
        var endedCleanly = false
        var isHijacked = false
    }

    package let head: RequestHead
    private let channel: any Channel
    private let expectation: BodyExpectation?
    /// What encrypts the connection; nil where nothing does.
    private let tls: NIOLoopBound<TLSHandler>?
    private let bytesSent = Atomic<Int>(0)
    private let statusSent = Atomic<Int>(0)
    private let connection: NIOLoopBound<ConnectionHandler>
    private let state = Mutex(State())

    init(
        channel: any Channel, head: RequestHead, expectation: BodyExpectation?,
        tls: NIOLoopBound<TLSHandler>?, connection: NIOLoopBound<ConnectionHandler>
    ) {
        self.channel = channel
        self.expectation = expectation
        self.tls = tls
        self.head = head
        self.connection = connection
    }

    /// Whether a status has gone out.
    package var hasStarted: Bool { state.withLock(\.hasStarted) }
    /// Whether the answer is complete, so that another may follow on the connection.
    var endedCleanly: Bool { state.withLock(\.endedCleanly) }
    var isHijacked: Bool { state.withLock(\.isHijacked) }

    /// Whether the answer went out without the body having been asked for.
    var hasForgoneBody: Bool { expectation?.isForgone ?? false }
    /// Whether another request may follow.
    var keepsAlive: Bool { head.keepsAlive && !hasForgoneBody }

    private var isHead: Bool { head.method == "HEAD" }

    package func send(_ response: Response) async throws {
        markStarted(response.status)
        bytesSent.add(isHead ? 0 : response.body.readableBytes, ordering: .relaxed)
        let bytes = response.bytes(
            minorVersion: head.minorVersion, keepAlive: keepsAlive, withoutBody: isHead)
        try await channel.writeAndFlush(bytes).get()
        state.withLock { $0.endedCleanly = true }
    }

    private func markStarted(_ status: Int) {
        expectation?.forgo()
        state.withLock { $0.hasStarted = true }
        statusSent.store(status, ordering: .relaxed)
    }

    /// The status that has gone out; 0 before. For the access log.
    package var status: Int { statusSent.load(ordering: .relaxed) }
    /// How many bytes of the body have gone out.
    package var bodyBytes: Int { bytesSent.load(ordering: .relaxed) }
    /// The client's address without its port, where it has one.
    package var clientAddress: String? { channel.remoteAddress?.ipAddress }

    /// Begins an answer whose length is known; `sendBody` or `sendFile` has to send exactly that much.
    package func start(
        status: Int, fields: [(name: String, value: String)], length: Int
    ) -> PendingBody {
        markStarted(status)
        let head = Response.head(
            status: status, fields: fields + [("Content-Length", "\(length)")],
            minorVersion: head.minorVersion, keepAlive: keepsAlive)
        return PendingBody(head: head, length: isHead ? 0 : length)
    }

    /// Sends a part of the body, the head before the first.
    package func send(_ bytes: ByteBuffer, of body: inout PendingBody) async throws {
        guard bytes.readableBytes <= body.length else { throw ChannelError.operationUnsupported }
        if var head = body.head {
            head.writeImmutableBuffer(bytes)
            body.head = nil
            try await channel.writeAndFlush(head).get()
        } else {
            try await channel.writeAndFlush(bytes).get()
        }
        account(bytes.readableBytes, &body)
    }

    /// Sends a part of a file: by the kernel where nothing has to be encrypted, else as far as it is in memory.
    /// - Returns: how many bytes were sent; fewer than asked for where the caller has to read the next ones and send
    ///   them itself
    package func send(
        _ file: SharedDescriptor, offset: Int, count: Int, of body: inout PendingBody
    ) async throws -> Int {
        guard count <= body.length else { throw ChannelError.operationUnsupported }
        if let head = body.head {
            body.head = nil
            channel.write(head, promise: nil)
        }
        let sent: Int
        if let tls {
            sent = try await channel.eventLoop.flatSubmit { [channel] in
                tls.value.send(file, offset: offset, count: count)
                    ?? channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
            }.get()
        } else {
            let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: try file.duplicate().take())
            defer { try? handle.close() }
            try await channel.writeAndFlush(
                FileRegion(fileHandle: handle, readerIndex: offset, endIndex: offset + count)
            ).get()
            sent = count
        }
        account(sent, &body)
        return sent
    }

    private func account(_ count: Int, _ body: inout PendingBody) {
        body.length -= count
        bytesSent.add(count, ordering: .relaxed)
        if body.length == 0 { state.withLock { $0.endedCleanly = true } }
    }

    /// Begins an answer whose length is not known; the fields go out at once.
    package func start(status: Int, fields: [(name: String, value: String)]) async throws {
        try await channel.writeAndFlush(begin(status, fields)).get()
    }

    /// The same for a thread that may block; never for the event loop's.
    package func startBlocking(status: Int, fields: [(name: String, value: String)]) throws {
        try channel.writeAndFlush(begin(status, fields)).wait()
    }

    private func begin(_ status: Int, _ fields: [(name: String, value: String)]) -> ByteBuffer {
        let isChunked = head.minorVersion == 1
        // A stream that begins well is one that the body feeds, whichever of the two comes first.
        if status < 300 { _ = expectation?.wantBody() }
        markStarted(status)
        state.withLock { $0.isChunked = isChunked }
        let all = fields + (isChunked ? [("Transfer-Encoding", "chunked")] : [])
        return Response.head(
            status: status, fields: all, minorVersion: head.minorVersion,
            keepAlive: isChunked && keepsAlive)
    }

    package func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty, !isHead else { return }
        bytesSent.add(bytes.count, ordering: .relaxed)
        try await channel.writeAndFlush(bytes.withUnsafeBytes(piece)).get()
    }

    /// The same for a thread that may block; never for the event loop's.
    package func writeBlocking(_ bytes: UnsafeRawBufferPointer) throws {
        guard !bytes.isEmpty, !isHead else { return }
        try channel.writeAndFlush(piece(bytes)).wait()
    }

    private func piece(_ bytes: UnsafeRawBufferPointer) -> ByteBuffer {
        var buffer = ByteBuffer()
        guard state.withLock(\.isChunked) else {
            buffer.writeBytes(bytes)
            return buffer
        }
        buffer.reserveCapacity(bytes.count + 20)
        buffer.writeString(String(bytes.count, radix: 16) + "\r\n")
        buffer.writeBytes(bytes)
        buffer.writeString("\r\n")
        return buffer
    }

    /// Ends what `start` began. Without it the connection is cut, which tells the client that something is missing.
    package func finish() async throws {
        guard state.withLock(\.isChunked) else { return }
        if !isHead { try await channel.writeAndFlush(ByteBuffer(string: "0\r\n\r\n")).get() }
        state.withLock { $0.endedCleanly = true }
    }

    /// Answers 101 (or 200, where the client did not ask for an upgrade) and takes the connection out of HTTP: the
    /// socket stays open in both directions, but not in this server's hands.
    ///
    /// Nothing is read between the answer and the hand-over but what has come already, and that goes along.
    /// - Throws: `ChannelError` where the client is gone, `SystemCallError`
    package func hijack(_ fields: [(name: String, value: String)]) async throws -> ClientStream {
        let answer = upgrade(fields)
        markHijacked()
        let isEncrypted = tls != nil
        return try await channel.writeAndFlush(answer).flatMap { [channel, connection] in
            Self.giveAway(channel, connection, isEncrypted: isEncrypted)
        }.get()
    }

    /// Takes the connection out of HTTP without an answer: whoever gets the socket writes one, that of `upgradeAnswer`
    /// or of `bytes(of:)`.
    /// - Throws: `ChannelError` where the client is gone, `SystemCallError`
    package func release() async throws -> ClientStream {
        markHijacked()
        let isEncrypted = tls != nil
        return try await channel.eventLoop.flatSubmit { [channel, connection] in
            Self.giveAway(channel, connection, isEncrypted: isEncrypted)
        }.get()
    }

    /// What `hijack` would have answered.
    package func upgradeAnswer(_ fields: [(name: String, value: String)]) -> [UInt8] {
        Array(upgrade(fields).readableBytesView)
    }

    /// A whole answer, behind which the connection is closed.
    package func bytes(of response: Response) -> [UInt8] {
        Array(
            response.bytes(minorVersion: head.minorVersion, keepAlive: false, withoutBody: isHead)
                .readableBytesView)
    }

    private func upgrade(_ fields: [(name: String, value: String)]) -> ByteBuffer {
        let upgrade: [(name: String, value: String)] =
            head.wantsUpgrade ? [("Connection", "Upgrade"), ("Upgrade", "tcp")] : []
        return Response.head(
            status: head.wantsUpgrade ? 101 : 200, fields: fields + upgrade, minorVersion: 1, keepAlive: true)
    }

    private func markHijacked() {
        state.withLock {
            $0.hasStarted = true
            $0.isHijacked = true
        }
    }

    /// On the event loop.
    private static func giveAway(
        _ channel: any Channel, _ connection: NIOLoopBound<ConnectionHandler>, isEncrypted: Bool
    ) -> EventLoopFuture<ClientStream> {
        let pending = connection.value.takePending()
        if isEncrypted {
            return connection.value.relay(on: channel.eventLoop).map {
                ClientStream(socket: $0, alreadyRead: pending)
            }
        }
        return channel.eventLoop.makeCompletedFuture {
            let socket = try duplicateSocket(channel)
            channel.close(promise: nil)
            return ClientStream(socket: socket, alreadyRead: pending)
        }
    }

    private static func duplicateSocket(_ channel: any Channel) throws -> SharedDescriptor {
        let descriptor = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { handle in
            Descriptor(owning: try systemCall("fcntl") { fcntl(handle, F_DUPFD_CLOEXEC, 3) }).take()
        }
        guard let descriptor else { throw ChannelError.operationUnsupported }
        return SharedDescriptor(Descriptor(owning: descriptor))
    }
}
