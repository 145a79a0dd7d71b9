import Glibc
import LinuxKernel

/// The way into a process: the pipe that is its stdin, or its terminal. Never blocks; what the process does not read yet
/// waits here, and clients are not read from while much is waiting.
final class InputSink: EventHandler {
    /// Bytes waiting above which clients are not read any more.
    static let limit = 65536

    /// Closed when this is set to nil.
    private var descriptor: SharedDescriptor?
    private let isTerminal: Bool
    private let loop: EventLoop
    private var watch: Watch?
    private var queue = ByteQueue()
    private var closing = false
    /// The process reads no more, or stdin was closed.
    private(set) var isClosed = false
    /// Called when there is room again.
    var whenRoom: () -> Void = {}

    /// - Parameter descriptor: in non-blocking mode; of a terminal a duplicate, which is only used here
    init(_ descriptor: SharedDescriptor, isTerminal: Bool, loop: EventLoop) {
        self.descriptor = descriptor
        self.isTerminal = isTerminal
        self.loop = loop
    }

    var isFull: Bool { queue.count >= Self.limit }

    func write(_ bytes: UnsafeRawBufferPointer) {
        guard !isClosed, !closing, !bytes.isEmpty else { return }
        var rest = bytes
        if queue.isEmpty {
            let count = transmit(bytes)
            if isClosed { return }
            rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
        }
        queue.append(rest)
        update()
    }

    /// Closes the process's stdin behind what was written; a terminal has no such thing.
    func close() {
        if isTerminal { return }
        closing = true
        if queue.isEmpty { end() }
    }

    /// Drops everything.
    func end() {
        guard !isClosed else { return }
        isClosed = true
        watch?.cancel()
        watch = nil
        queue.removeAll()
        descriptor = nil
        whenRoom()
    }

    func ready(_ events: PollEvents, tag: Int) {
        if events.contains(.error) || events.contains(.hangUp) { return end() }
        while !queue.isEmpty {
            let count = queue.withFirst { transmit($0) }
            if isClosed { return }
            if count == 0 { break }
            queue.remove(count)
        }
        if queue.isEmpty, closing { return end() }
        update()
        if !isFull { whenRoom() }
    }

    /// - Returns: how many bytes were taken
    private func transmit(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let raw = descriptor?.rawValue else { return 0 }
        do throws(SystemCallError) {
            return try systemCall("write") { Glibc.write(raw, bytes.baseAddress, bytes.count) }
        } catch {
            // Anything but a full pipe means that nobody will read: EPIPE, or EIO of a terminal.
            if error.errno != EAGAIN { end() }
            return 0
        }
    }

    private func update() {
        let wanted: PollEvents? = queue.isEmpty ? nil : .writable
        if let watch {
            watch.events = wanted
        } else if wanted != nil, let raw = descriptor?.rawValue {
            do throws(SystemCallError) {
                watch = try loop.watch(raw, .writable, self)
            } catch {
                loop.warn("cannot wait for stdin: \(error)")
                end()
            }
        }
    }
}
