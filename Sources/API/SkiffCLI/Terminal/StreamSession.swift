import EngineClient
import Glibc
import LinuxKernel

/// Connects this process's standard streams with those of a container or an exec, in one poll loop, until the
/// daemon ends the stream or the user detaches.
final class StreamSession {
    enum Outcome { case ended, detached }

    struct Options {
        /// The stream is a terminal's: raw bytes, no frames.
        var isTerminal = false
        var sendsInput = false
        /// The keys that detach; nil where the input is passed on unseen.
        var detachKeys: DetachKeys?
        /// Called with each signal that arrives, the window's size included.
        var onSignal: (Int32) -> Void = { _ in }
    }

    private let connection: EngineConnection
    private let signals: SignalQueue
    private var options: Options
    private var frames = FrameReader()
    private var pendingInput: [UInt8] = []
    private var inputIsOpen: Bool
    private var inputEnded = false
    private var detached = false
    private var outputError: SystemCallError?

    private static let pieceSize = 32768

    init(_ connection: EngineConnection, signals: SignalQueue, options: Options) {
        self.connection = connection
        self.signals = signals
        self.options = options
        inputIsOpen = options.sendsInput
    }

    /// Moves bytes until the daemon's side ends.
    /// - Throws: `EngineError`, `SystemCallError` where the output cannot be written
    func run() throws -> Outcome {
        signal(SIGPIPE, SIG_IGN)
        while true {
            if connection.hasBufferedBytes {
                guard try receive() else { return .ended }
                continue
            }
            let events = try wait()
            if events.signal { while let signal = signals.next() { options.onSignal(signal) } }
            if events.output, try !receive() { return .ended }
            if events.input { readInput() }
            if detached { return .detached }
            if !pendingInput.isEmpty || inputEnded { sendInput() }
        }
    }

    // MARK: Waiting

    private func wait() throws -> (input: Bool, output: Bool, signal: Bool) {
        var polled = [
            pollfd(fd: connection.rawDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.rawDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: inputIsOpen && pendingInput.isEmpty ? 0 : -1, events: Int16(POLLIN), revents: 0),
        ]
        if !pendingInput.isEmpty { polled[0].events |= Int16(POLLOUT) }
        try systemCall("poll") { poll(&polled, 3, -1) }
        let readable = Int16(POLLIN | POLLHUP | POLLERR)
        return (
            polled[2].revents & (readable | Int16(POLLNVAL)) != 0, polled[0].revents & readable != 0,
            polled[1].revents != 0
        )
    }

    // MARK: From the container

    private func receive() throws -> Bool {
        let isTerminal = options.isTerminal
        let more = try connection.consume(upTo: .max) { bytes in
            if isTerminal {
                write(bytes, to: 1)
            } else {
                frames.read(bytes) { stream, payload in write(payload, to: stream == 1 ? 1 : 2) }
            }
        }
        if let outputError { throw outputError }
        return more
    }

    private func write(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) {
        guard outputError == nil else { return }
        var offset = 0
        do throws(SystemCallError) {
            while offset < bytes.count {
                offset += try systemCall("write") {
                    Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
                }
            }
        } catch {
            // A terminal or pipe that someone else made non-blocking is full: wait for it.
            if error.errno == EAGAIN { return retry(bytes, offset, descriptor) }
            outputError = error
        }
    }

    private func retry(_ bytes: UnsafeBufferPointer<UInt8>, _ offset: Int, _ descriptor: Int32) {
        var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&polled, 1, 1000)
        write(UnsafeBufferPointer(rebasing: bytes[offset...]), to: descriptor)
    }

    // MARK: To the container

    private func readInput() {
        var piece = [UInt8](repeating: 0, count: Self.pieceSize)
        let count = read(0, &piece, piece.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        guard count > 0 else {
            inputIsOpen = false
            inputEnded = true
            return
        }
        if options.detachKeys != nil {
            let result = options.detachKeys?.filter(piece[0..<count])
            pendingInput += result?.passed ?? []
            detached = result?.detached ?? false
        } else {
            pendingInput += piece[0..<count]
        }
    }

    /// Sends what the connection takes without waiting: the daemon may itself be waiting for this side to read.
    private func sendInput() {
        if !pendingInput.isEmpty {
            let sent = connection.sendAvailable(pendingInput)
            if sent < 0 {
                // The container reads no more; what it still writes is wanted.
                pendingInput = []
                inputIsOpen = false
                inputEnded = false
                return
            }
            pendingInput.removeFirst(sent)
        }
        if pendingInput.isEmpty, inputEnded {
            inputEnded = false
            connection.closeWriting()
        }
    }
}
