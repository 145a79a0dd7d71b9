import NIOCore

/// One half of a pair that carries bytes between two connections of the same event loop, each way as fast as the slower
/// side takes them.
final class RelayHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: RelayHandler?
    private var context: ChannelHandlerContext?
    /// Reading stopped because the partner takes nothing at the moment.
    private var owesRead = false

    static func pair() -> (RelayHandler, RelayHandler) {
        let pair = (RelayHandler(), RelayHandler())
        (pair.0.partner, pair.1.partner) = (pair.1, pair.0)
        return pair
    }

    private init() {}

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        partner?.context?.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) { partner?.context?.flush() }

    /// The end of one side's stream is the end of what the other side gets; in the other direction it goes on.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            partner?.context?.close(mode: .output, promise: nil)
        } else if event is ServerShutdown {
            end(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { partner?.context?.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(context) }

    private func end(_ context: ChannelHandlerContext) {
        partner?.context?.close(promise: nil)
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.readAgain() }
    }

    func read(context: ChannelHandlerContext) {
        if partner?.context?.channel.isWritable ?? true { context.read() } else { owesRead = true }
    }

    private func readAgain() {
        guard owesRead else { return }
        owesRead = false
        context?.read()
    }
}
