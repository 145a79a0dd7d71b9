import CLinux
import LinuxKernel
import NIOCore
import TLS

/// What goes out: from the queue into records, as fast as the socket takes them.
extension TLSHandler {
    /// How much is given to the socket at a time.
    private static let batch = 128 << 10
    /// How much is read from a file at a time: four whole records, which stay in the processor's cache.
    private static let filePiece = 64 << 10
    /// What a record adds to its content, and more.
    private static let recordOverhead = 256
    /// How much one connection may send before others have their turn.
    private static let turn = 1 << 20

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard mayQueue else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        queue.append(.bytes(unwrapOutboundIn(data), promise))
    }

    func flush(context: ChannelHandlerContext) { encrypt(context) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        encrypt(context)
        context.fireChannelWritabilityChanged()
    }

    private var mayQueue: Bool {
        if case .none = ending { return state != .closed }
        return false
    }

    /// Sends a part of a file, behind everything that was written before.
    /// - Returns: how many bytes have gone out: fewer than asked for where the next are not in memory, and reading them
    ///   might keep the event loop waiting for a disk
    func send(_ file: SharedDescriptor, offset: Int, count: Int) -> EventLoopFuture<Int>? {
        guard let context, mayQueue else { return nil }
        let promise = context.eventLoop.makePromise(of: Int.self)
        queue.append(.file(OutboundQueue.FilePart(file: file, offset: offset, left: count, promise: promise)))
        encrypt(context)
        return promise.futureResult
    }

    /// Encrypts while the socket takes it.
    func encrypt(_ context: ChannelHandlerContext) {
        guard state == .open, !isEncrypting else { return }
        isEncrypting = true
        defer { isEncrypting = false }
        let end = queue.taken + Self.turn
        while state == .open, !queue.isEmpty, context.channel.isWritable {
            guard queue.taken < end else {
                return context.eventLoop.assumeIsolated().execute { [weak self] in self?.encrypt(context) }
            }
            sendBatch(context)
        }
        guard queue.isEmpty else { return }
        plaintext = ByteBuffer()
        finishEnding(context)
    }

    /// Promises that hold when a batch is with the kernel.
    private struct Promises {
        var bytes: [EventLoopPromise<Void>] = []
        var files: [(promise: EventLoopPromise<Int>, sent: Int)] = []

        func complete(_ result: Result<Void, any Error>) {
            for promise in bytes { promise.completeWith(result) }
            for file in files { file.promise.completeWith(result.map { file.sent }) }
        }
    }

    private func sendBatch(_ context: ChannelHandlerContext) {
        var promises = Promises()
        while ciphertext.readableBytes < Self.batch, state == .open, let entry = queue.first {
            switch entry {
            case .bytes(let bytes, let promise): sendRecord(context, bytes, promise, &promises)
            case .file(let part): sendPiece(context, part, &promises)
            }
        }
        guard state == .open else { return promises.complete(.failure(ChannelError.ioOnClosedChannel)) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { promises.complete($0) }
        emit(context, sent)
    }

    private func sendRecord(
        _ context: ChannelHandlerContext, _ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?,
        _ promises: inout Promises
    ) {
        var bytes = bytes
        let count = seal(context, &bytes)
        guard state == .open else { return }
        guard bytes.readableBytes == 0 else {
            return queue.replaceFirst(.bytes(bytes, promise), taken: count)
        }
        queue.replaceFirst(nil, taken: count)
        if let promise { promises.bytes.append(promise) }
    }

    private func sendPiece(
        _ context: ChannelHandlerContext, _ part: OutboundQueue.FilePart, _ promises: inout Promises
    ) {
        var part = part
        let wanted = min(part.left, Self.filePiece)
        plaintext.clear()
        plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.filePiece) { target in
            // A failure shows where the bytes are read in another way.
            max(
                0,
                Int(
                    skiff_read_cached(
                        part.file.rawValue, target.baseAddress, UInt64(wanted), Int64(part.offset))))
        }
        let count = plaintext.readableBytes
        while plaintext.readableBytes > 0, state == .open { _ = seal(context, &plaintext) }
        guard state == .open else { return }
        part.offset += count
        part.left -= count
        part.sent += count
        if count > 0, part.left > 0 { return queue.replaceFirst(.file(part), taken: count) }
        queue.replaceFirst(nil, taken: count)
        promises.files.append((part.promise, part.sent))
    }

    /// Makes one record of the first bytes.
    /// - Returns: how many they were
    private func seal(_ context: ChannelHandlerContext, _ bytes: inout ByteBuffer) -> Int {
        guard bytes.readableBytes > 0 else { return 0 }
        ciphertext.reserveCapacity(
            minimumWritableBytes: min(bytes.readableBytes, Self.batch) + Self.recordOverhead)
        var outcome = TLSSession.Outcome.wantsInput
        var count = 0
        bytes.readWithUnsafeReadableBytes { source in
            outcome = step(Self.recordOverhead) { $0.write(source) }
            if case .done(let written) = outcome { count = written }
            return count
        }
        switch outcome {
        case .done: break
        case .failed(let error): fail(context, error)
        // None happens while there is room and nobody negotiates anew.
        case .wantsInput, .wantsOutput, .ended:
            fail(context, TLSError(.protocolFailed, "the TLS session takes nothing"))
        }
        return count
    }
}
