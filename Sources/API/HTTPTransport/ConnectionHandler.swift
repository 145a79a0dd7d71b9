import Logging
package import NIOCore
import TLS

/// What a connection needs of the server behind it.
package protocol RequestService: Sendable {
    /// Decides, from the head alone, how the request is taken in. Called on the event loop: must not block.
    func plan(_ head: RequestHead) -> RequestPlan
    /// The answer to bytes that are no request. The connection ends behind it.
    func refusal(_ error: HTTPSyntaxError) -> Response
}

/// How a request is taken in, and who answers it.
package struct RequestPlan: Sendable {
    package enum BodyPolicy: Sendable {
        /// Collected, up to so many bytes, before the handler runs.
        case collect(limit: Int)
        /// The handler runs at once and reads while it comes.
        case stream
    }

    package var body = BodyPolicy.collect(limit: 4 << 20)
    /// Whether the answer is of no use to anybody when the client leaves (a stream, a wait); a mutation goes on.
    package var endsWithClient = false
    /// Whether bytes behind the request belong to a stream, not to another request.
    package var mayLeaveHTTP = false
    package var respond: @Sendable (IncomingBody, ResponseWriter) async -> Void

    /// - Parameters:
    ///   - endsWithClient: whether the task is cancelled when the client leaves
    ///   - mayLeaveHTTP: whether the connection may become a stream
    package init(
        body: BodyPolicy = .collect(limit: 4 << 20), endsWithClient: Bool = false, mayLeaveHTTP: Bool = false,
        respond: @escaping @Sendable (IncomingBody, ResponseWriter) async -> Void
    ) {
        self.body = body
        self.endsWithClient = endsWithClient
        self.mayLeaveHTTP = mayLeaveHTTP
        self.respond = respond
    }
}

package enum IncomingBody: Sendable {
    case collected(ByteBuffer)
    case stream(RequestBody)
}

/// One client's connection: one request after another, each answered before the next is looked at.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A request that is being taken in or answered.
    private struct Exchange {
        let plan: RequestPlan
        let head: RequestHead
        let writer: ResponseWriter
        var collected = ByteBuffer()
        var stream: RequestBody?
        var isComplete = false
        /// The answer has gone out, the rest of the body is still to come.
        var isAnswered = false
        var droppedBytes = 0
        var task: Task<Void, Never>?
    }

    /// How much of a following request may wait while one is answered.
    private static let pipelineLimit = 64 << 10
    /// How much of a body that nobody reads any more is taken from the client, and for how long at most, before the
    /// connection is cut: one that closes under a client who still sends may cost him the answer.
    private static let dropLimit = 8 << 20
    private static let dropTime = TimeAmount.seconds(10)

    /// How long a client may take for a request's head, counted from its first byte.
    static let headTime = TimeAmount.seconds(30)

    private let service: any RequestService
    private let tls: TLSHandler?
    private let logger: Logger
    private var parser = RequestParser()
    private var exchange: Exchange?
    private var headLimit: Scheduled<Void>?
    private var isReading = true
    private(set) var context: ChannelHandlerContext?
    private(set) var inputEnded = false
    private(set) var isGone = false
    private var isAdvancing = false
    /// Nothing of what still comes is looked at: it is no HTTP, or the connection is being closed.
    private var isOver = false

    /// - Parameter tls: what encrypts the connection, below this handler
    init(service: any RequestService, tls: TLSHandler?, logger: Logger) {
        self.service = service
        self.tls = tls
        self.logger = logger
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        headLimit?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOver { return }
        parser.append(unwrapInboundIn(data))
        advance(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            inputEnded = true
            clientLeft(context)
        } else if event is ServerShutdown {
            serverLeaves(context)
        } else if event is IdleStateHandler.IdleStateEvent {
            timePassed(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        headLimit?.cancel()
        clientLeft(context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let peer = context.remoteAddress.map { "\($0)" } ?? "?"
        // A client that is refused is told little: who runs the server has to see why.
        logger.log(
            level: error is TLSError && exchange == nil ? .info : .debug, "connection failed",
            metadata: ["error": "\(error)", "peer": "\(peer)"])
        context.close(promise: nil)
    }

    /// The client sends nothing any more; whether it still reads is not known until something is written.
    private func clientLeft(_ context: ChannelHandlerContext) {
        guard let exchange else {
            if !isGone { context.close(promise: nil) }
            return
        }
        if exchange.isAnswered { return end(context) }
        if exchange.plan.mayLeaveHTTP, exchange.isComplete, !isGone { return }
        exchange.stream?.finish(complete: false)
        if !exchange.isComplete, exchange.task == nil {
            self.exchange = nil
            context.close(promise: nil)
        } else if exchange.plan.endsWithClient {
            exchange.task?.cancel()
        }
    }

    /// Nothing has moved for long: ends the connection unless it is this side that is at work. It is not where the client
    /// does not take what has been written.
    private func timePassed(_ context: ChannelHandlerContext) {
        if let exchange, exchange.isComplete, exchange.task != nil, !isOutputStuck(context) { return }
        exchange?.stream?.finish(complete: false)
        context.close(promise: nil)
    }

    private func isOutputStuck(_ context: ChannelHandlerContext) -> Bool {
        guard let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes) else {
            return !context.channel.isWritable
        }
        return waiting > 0
    }

    private func serverLeaves(_ context: ChannelHandlerContext) {
        inputEnded = true
        guard let exchange, exchange.task != nil, !exchange.isAnswered else { return end(context) }
        if exchange.plan.endsWithClient { exchange.task?.cancel() }
    }

    // MARK: Requests

    private func advance(_ context: ChannelHandlerContext) {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        do throws(HTTPSyntaxError) {
            while !isOver, exchange?.isComplete != true, let event = try parser.next() {
                switch event {
                case .head(let head): try begin(context, head)
                case .body(let bytes): try take(context, bytes)
                case .end: complete(context)
                }
            }
        } catch {
            refuse(context, error)
        }
        limitHead(context)
        regulate(context)
    }

    /// A head that comes byte by byte, minutes apart, holds its connection for no longer than others take.
    private func limitHead(_ context: ChannelHandlerContext) {
        guard exchange == nil, parser.pendingBytes > 0, !isOver else {
            headLimit?.cancel()
            headLimit = nil
            return
        }
        guard headLimit == nil else { return }
        headLimit = context.eventLoop.assumeIsolated().scheduleTask(in: Self.headTime) { [weak self] in
            guard let self, self.headLimit != nil, !self.isGone else { return }
            self.refuse(context, HTTPSyntaxError("the request's head takes too long", status: 408))
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ head: RequestHead) throws(HTTPSyntaxError) {
        let plan = service.plan(head)
        let expectation = head.expectsContinue && head.bodyLength != .none ? expectation(context) : nil
        let writer = ResponseWriter(
            channel: context.channel, head: head, expectation: expectation,
            tls: tls.map { NIOLoopBound($0, eventLoop: context.eventLoop) },
            connection: NIOLoopBound(self, eventLoop: context.eventLoop))
        var exchange = Exchange(plan: plan, head: head, writer: writer)
        if case .stream = plan.body {
            let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let eventLoop = context.eventLoop
            let stream = RequestBody(expectation: expectation) {
                eventLoop.execute { handler.value.0.resumeBody(handler.value.1) }
            }
            exchange.stream = stream
            self.exchange = exchange
            start(context, .stream(stream))
        } else {
            self.exchange = exchange
            try collect(expectation, plan, head)
        }
    }

    private func expectation(_ context: ChannelHandlerContext) -> BodyExpectation {
        BodyExpectation { [channel = context.channel] in
            channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"), promise: nil)
        }
    }

    /// Asks for a body that the handler waits for, unless it is known to be too large already.
    private func collect(
        _ expectation: BodyExpectation?, _ plan: RequestPlan, _ head: RequestHead
    ) throws(HTTPSyntaxError) {
        guard let expectation else { return }
        if case .collect(let limit) = plan.body, case .bytes(let count) = head.bodyLength, count > limit {
            throw HTTPSyntaxError("request body too large", status: 413)
        }
        _ = expectation.wantBody()
    }

    private func take(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) throws(HTTPSyntaxError) {
        guard let current = exchange else { return }
        if current.isAnswered {
            exchange?.droppedBytes += bytes.readableBytes
            if current.droppedBytes > Self.dropLimit { end(context) }
            return
        }
        if let stream = current.stream {
            if !stream.put(bytes) { setReading(context, false) }
            return
        }
        if case .collect(let limit) = current.plan.body,
            current.collected.readableBytes + bytes.readableBytes > limit
        {
            throw HTTPSyntaxError("request body too large", status: 413)
        }
        if current.collected.readableBytes == 0 {
            exchange?.collected = bytes
        } else {
            exchange?.collected.writeImmutableBuffer(bytes)
        }
    }

    private func complete(_ context: ChannelHandlerContext) {
        guard let current = exchange else { return }
        exchange?.isComplete = true
        if current.isAnswered { return settle(context) }
        if let stream = current.stream { return stream.finish(complete: true) }
        start(context, .collected(current.collected))
    }

    private func start(_ context: ChannelHandlerContext, _ body: IncomingBody) {
        guard let current = exchange else { return }
        let respond = current.plan.respond
        let writer = current.writer
        let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        exchange?.task = Task {
            await respond(body, writer)
            eventLoop.execute { handler.value.0.answered(handler.value.1, writer) }
        }
    }

    /// The handler has returned: on to the next request, or to the end.
    private func answered(_ context: ChannelHandlerContext, _ writer: ResponseWriter) {
        guard let current = exchange, current.writer === writer else { return }
        current.stream?.abandon()
        if isGone || writer.isHijacked {
            exchange = nil
            return
        }
        guard writer.endedCleanly else { return cut(context) }
        guard !isOver, !inputEnded || current.isComplete else { return end(context) }
        exchange?.isAnswered = true
        if current.isComplete {
            settle(context)
            advance(context)
            if inputEnded, exchange == nil { end(context) }
            return
        }
        // Whoever was not asked for his body may send none, and sees by this that nothing more comes.
        if writer.hasForgoneBody { context.close(mode: .output, promise: nil) }
        // The rest of a body that was not read to its end would be taken for the next request.
        setReading(context, true)
        let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.dropTime) {
            guard handler.value.0.exchange?.writer === writer else { return }
            handler.value.0.end(handler.value.1)
        }
    }

    /// Request and answer are over: another may follow, or not.
    private func settle(_ context: ChannelHandlerContext) {
        let keepsAlive = exchange?.writer.keepsAlive == true
        exchange = nil
        if !keepsAlive { end(context) }
    }

    private func end(_ context: ChannelHandlerContext) {
        isOver = true
        exchange = nil
        if !isGone { context.close(promise: nil) }
    }

    /// The client has to see that the answer is not whole.
    private func cut(_ context: ChannelHandlerContext) {
        if tls != nil { context.triggerUserOutboundEvent(CutConnection(), promise: nil) }
        end(context)
    }

    private func refuse(_ context: ChannelHandlerContext, _ error: HTTPSyntaxError) {
        isOver = true
        if let current = exchange, let stream = current.stream {
            if current.isAnswered { return end(context) }
            stream.finish(complete: false)
            return
        }
        exchange = nil
        isGone = true
        let response = service.refusal(error)
        let bytes = response.bytes(minorVersion: 1, keepAlive: false, withoutBody: false)
        context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    // MARK: Reading

    /// Reads on while there is use for what comes; always while idle, to see the client leave.
    private func regulate(_ context: ChannelHandlerContext) {
        guard let exchange else { return setReading(context, true) }
        if exchange.plan.mayLeaveHTTP, exchange.isComplete {
            setReading(context, false)
        } else if exchange.isComplete, parser.pendingBytes > Self.pipelineLimit {
            setReading(context, false)
        } else if let stream = exchange.stream {
            // Reading may have stopped for the request before; a full stream says itself when it goes on.
            if !stream.isFull { setReading(context, true) }
        } else {
            setReading(context, true)
        }
    }

    private func resumeBody(_ context: ChannelHandlerContext) {
        if !isGone { setReading(context, true) }
    }

    private func setReading(_ context: ChannelHandlerContext, _ isOn: Bool) {
        guard isReading != isOn, !isGone else { return }
        isReading = isOn
        do {
            try context.channel.syncOptions?.setOption(.autoRead, value: isOn)
        } catch {
            logger.debug("cannot regulate reading", metadata: ["error": "\(error)"])
        }
    }

    /// Takes what has come behind the request; for a hijack.
    func takePending() -> [UInt8] { parser.takePending() }
}
