import LinuxKernel
import NIOCore
import TLS

/// Tells the handlers below to end the connection such that the other side sees that something is missing: without TLS's
/// own end, and without waiting for what is still to be sent.
struct CutConnection: Sendable {}

/// The server's end of TLS on one connection: what comes is decrypted and handed on at once; what goes is encrypted only
/// while the socket takes it, so that nothing piles up here but what the writers wait for.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State { case handshaking, open, closed }

    /// How far the end of what this side sends has got.
    enum Ending {
        case none
        /// Behind the queue, this much of the connection is to be closed.
        case waiting(CloseMode)
        /// TLS's own end is on its way to the socket.
        case telling(CloseMode)
        /// Nothing more is sent; the other side may.
        case told
    }

    /// How long a client has for the handshake.
    static let handshakeTime = TimeAmount.seconds(10)
    /// A closing connection that takes nothing for so long is cut.
    static let closeTime = TimeAmount.seconds(30)

    private let pipe: TLSPipe
    private(set) var state = State.handshaking
    private(set) var ending = Ending.none
    private(set) var context: ChannelHandlerContext?
    /// What has come and is not decrypted: less than a record, but in the middle of a call.
    private var encrypted = ByteBuffer()
    /// What is encrypted and not with the socket yet.
    var ciphertext = ByteBuffer()
    var queue = OutboundQueue()
    /// What a file has given, on its way into records.
    var plaintext = ByteBuffer()
    var isEncrypting = false
    /// The other side has said that nothing more comes.
    private var hasInputEnded = false
    private var handshakeLimit: Scheduled<Void>?
    private var closeLimit: Scheduled<Void>?
    private var closePromises: [EventLoopPromise<Void>] = []

    init(_ pipe: TLSPipe) { self.pipe = pipe }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        handshakeLimit = context.eventLoop.assumeIsolated().scheduleTask(in: Self.handshakeTime) {
            [weak self] in
            guard let self, self.state == .handshaking else { return }
            self.fail(context, TLSError(.protocolFailed, "no TLS handshake within \(Self.handshakeTime)"))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        state = .closed
        forget()
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .closed
        forget()
        context.fireChannelInactive()
    }

    private func forget() {
        handshakeLimit?.cancel()
        closeLimit?.cancel()
        (handshakeLimit, closeLimit) = (nil, nil)
        queue.fail(ChannelError.ioOnClosedChannel)
        for promise in closePromises { promise.succeed(()) }
        closePromises = []
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state != .closed, !isLeaving else { return }
        var bytes = unwrapInboundIn(data)
        if encrypted.readableBytes == 0 { encrypted = bytes } else { encrypted.writeBuffer(&bytes) }
        advance(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        // The end of TLS was handed on when it came. Without it the connection has been cut.
        pipe.inputEnded = true
        if !hasInputEnded, !isLeaving { advance(context) }
    }

    private func advance(_ context: ChannelHandlerContext) {
        if state == .handshaking { handshake(context) }
        if state == .open { decrypt(context) }
    }

    private func handshake(_ context: ChannelHandlerContext) {
        let outcome = step(1 << 14) { $0.accept() }
        emit(context)
        switch outcome {
        case .done:
            state = .open
            handshakeLimit?.cancel()
            handshakeLimit = nil
            encrypt(context)
        case .wantsInput, .wantsOutput: break
        case .ended: fail(context, TLSError(.cut, "closed by the other side"))
        case .failed(let error):
            if error.isPlainRequest { answerPlainly(context) }
            fail(context, error)
        }
    }

    /// For people who forget the `s` of https, as Go's servers do.
    private func answerPlainly(_ context: ChannelHandlerContext) {
        let text =
            "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
            + "Client sent an HTTP request to an HTTPS server.\n"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    private func decrypt(_ context: ChannelHandlerContext) {
        var content = context.channel.allocator.buffer(capacity: encrypted.readableBytes)
        var outcome = TLSSession.Outcome.wantsInput
        repeat {
            // What a record brings is no more than it is long itself; one may be in OpenSSL's hands from before.
            content.writeWithUnsafeMutableBytes(minimumWritableBytes: max(encrypted.readableBytes, 4096)) {
                target in
                outcome = step(1 << 10) { $0.read(into: target) }
                if case .done(let count) = outcome { return count }
                return 0
            }
        } while outcome.isDone
        if encrypted.readableBytes == 0 { encrypted = ByteBuffer() }
        emit(context)
        if content.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(content)) }
        guard state == .open, !hasInputEnded else { return }
        switch outcome {
        case .done, .wantsInput, .wantsOutput: break
        case .ended:
            hasInputEnded = true
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .failed(let error): fail(context, error)
        }
    }

    /// Ends the connection at once. What OpenSSL has to say to the other side (an alert) goes first.
    func fail(_ context: ChannelHandlerContext, _ error: TLSError) {
        guard state != .closed else { return }
        emit(context)
        state = .closed
        forget()
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    // MARK: Between

    /// One call of the session, between what has come and what is to go.
    /// - Parameter room: how much it may have to say at least
    func step(_ room: Int, _ call: (TLSSession) -> TLSSession.Outcome) -> TLSSession.Outcome {
        var room = room
        while true {
            var outcome = TLSSession.Outcome.wantsInput
            encrypted.readWithUnsafeReadableBytes { input in
                var consumed = 0
                ciphertext.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { output in
                    let step = pipe.step(input, output, call)
                    (outcome, consumed) = (step.outcome, step.consumed)
                    return step.produced
                }
                return consumed
            }
            guard case .wantsOutput = outcome else { return outcome }
            room *= 2
        }
    }

    /// Gives the socket what has been encrypted.
    func emit(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>? = nil) {
        guard ciphertext.readableBytes > 0 else {
            promise?.succeed(())
            return
        }
        context.writeAndFlush(wrapOutboundOut(ciphertext), promise: promise)
        // While there is more to send the memory is used again, if the socket has taken everything already.
        if queue.isEmpty { ciphertext = ByteBuffer() } else { ciphertext.clear() }
    }

    // MARK: End

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard event is CutConnection else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        cut(context, promise)
    }

    private func cut(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        state = .closed
        forget()
        context.close(promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard state == .open, mode != .input else {
            if mode == .all { state = .closed }
            return context.close(mode: mode, promise: promise)
        }
        switch ending {
        case .told where mode == .all: context.close(mode: .all, promise: promise)
        case .told: promise?.succeed(())
        case .waiting(let earlier):
            if let promise { closePromises.append(promise) }
            ending = .waiting(earlier == .all ? .all : mode)
        case .telling(let earlier):
            if let promise { closePromises.append(promise) }
            ending = .telling(earlier == .all ? .all : mode)
        case .none:
            if let promise { closePromises.append(promise) }
            ending = .waiting(mode)
            limitEnding(context)
            encrypt(context)
        }
    }

    /// Whether the whole connection is about to be closed: what still comes is of no use.
    private var isLeaving: Bool {
        switch ending {
        case .waiting(.all), .telling(.all): true
        default: false
        }
    }

    /// What is still to be sent goes first, for as long as the other side takes any of it.
    private func limitEnding(_ context: ChannelHandlerContext) {
        let before = queue.taken
        closeLimit = context.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTime) { [weak self] in
            guard let self, self.state == .open else { return }
            if self.queue.taken != before { return self.limitEnding(context) }
            self.cut(context, nil)
        }
    }

    /// Says that nothing more comes; called when the queue is empty.
    func finishEnding(_ context: ChannelHandlerContext) {
        guard case .waiting(let mode) = ending, state == .open else { return }
        ending = .telling(mode)
        _ = step(1 << 10) { $0.end() }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.hasTold(context) }
        emit(context, sent)
    }

    private func hasTold(_ context: ChannelHandlerContext) {
        guard case .telling(let mode) = ending, state == .open else { return }
        ending = .told
        closeLimit?.cancel()
        let promises = closePromises
        closePromises = []
        let closed = context.eventLoop.makePromise(of: Void.self)
        closed.futureResult.assumeIsolated().whenComplete { result in
            for promise in promises { promise.completeWith(result) }
        }
        context.close(mode: mode, promise: closed)
    }
}

extension TLSSession.Outcome {
    var isDone: Bool { if case .done = self { true } else { false } }
}
