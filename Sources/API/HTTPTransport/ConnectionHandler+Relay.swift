import LinuxKernel
import NIOCore
import NIOPosix

/// A connection that has left HTTP and cannot be handed on itself, because it is encrypted.
extension ConnectionHandler {
    /// Carries bytes between the client and a pair of sockets from now on.
    /// - Returns: the pair's other end
    func relay(on eventLoop: any EventLoop) -> EventLoopFuture<SharedDescriptor> {
        guard let context, !isGone else { return eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        let client = context.channel
        let hasInputEnded = inputEnded
        let (clientHalf, containerHalf) = RelayHandler.pair()
        let bound = NIOLoopBound(containerHalf, eventLoop: eventLoop)
        do {
            let (near, far) = try makeStreamSockets()
            let socket = try near.duplicate()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            try client.pipeline.syncOperations.addHandler(clientHalf)
            return ClientBootstrap(group: eventLoop)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelInitializer { channel in
                    eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(bound.value)
                    }
                }
                .withConnectedSocket(socket.take())
                .flatMap { channel in
                    if hasInputEnded { channel.close(mode: .output, promise: nil) }
                    return client.setOption(.autoRead, value: true)
                }
                .map { far }
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
    }
}
