import Glibc
import LinuxKernel
import ShimProtocol

/// The shim's side of one connection with a daemon. Never blocks: what a daemon does not read waits, up to a limit.
final class DaemonLink: EventHandler {
    /// A daemon that leaves this much unread is taken for dead.
    private static let queueLimit = 4 << 20

    private struct Outgoing {
        let bytes: [UInt8]
        var offset = 0
        var descriptors: [SharedDescriptor]
    }

    private let socket: SharedDescriptor
    private unowned let shim: Shim
    private var watch: Watch?
    private var reader = ShimFrameReader()
    private var queue: [Outgoing] = []
    private(set) var isClosed = false
    /// Closed as soon as everything is sent.
    private var isFinishing = false

    init(_ socket: SharedDescriptor, _ shim: Shim, _ loop: EventLoop) throws(SystemCallError) {
        self.socket = socket
        self.shim = shim
        watch = try loop.watch(socket.rawValue, .readable, self)
    }

    var hasUnsent: Bool { !queue.isEmpty }

    func ready(_ events: PollEvents, tag: Int) {
        if events.contains(.writable) { flush() }
        if isClosed { return }
        if events.contains(.readable) || events.contains(.hangUp) { receive() }
    }

    // MARK: From the daemon

    private func receive() {
        do throws(SystemCallError) {
            while !isClosed {
                let received = try receiveMessage(socket.rawValue, limit: 65536, blocking: false)
                if received.bytes.isEmpty { return close() }
                reader.append(received.bytes, received.descriptors)
                try handle()
            }
        } catch {
            if error.errno != EAGAIN { close() }
        }
    }

    private func handle() throws(SystemCallError) {
        do throws(ShimError) {
            while !isClosed, let frame = try reader.next() {
                let message = try ShimRequestMessage(decoding: frame)
                shim.handle(message, from: self)
            }
        } catch {
            // Whoever speaks like this is no daemon of ours.
            shim.warn("closed a connection: \(error.message)")
            close()
        }
    }

    // MARK: To the daemon

    func send(_ message: ShimMessage) {
        guard !isClosed else { return }
        let frame = message.frame()
        do throws(ShimError) {
            queue.append(Outgoing(bytes: try frame.bytes(), descriptors: frame.descriptors))
        } catch {
            return close()
        }
        flush()
        if queue.reduce(0, { $0 + $1.bytes.count }) > Self.queueLimit { close() }
    }

    private func flush() {
        do throws(SystemCallError) {
            while let first = queue.first {
                let descriptors = first.offset == 0 ? first.descriptors : []
                let count = try sendMessage(socket.rawValue, first.bytes[first.offset...], descriptors)
                queue[0].offset += count
                queue[0].descriptors = []
                if queue[0].offset == first.bytes.count { queue.removeFirst() }
            }
        } catch {
            if error.errno != EAGAIN { return close() }
        }
        if isFinishing, queue.isEmpty { return close() }
        watch?.events = queue.isEmpty ? .readable : [.readable, .writable]
    }

    /// Closes the connection behind what is still to be sent.
    func finish() {
        isFinishing = true
        if queue.isEmpty { close() }
    }

    /// Everything that was asked before the end has been done by now: requests are handled in the order of arrival.
    private func close() {
        guard !isClosed else { return }
        isClosed = true
        watch?.cancel()
        watch = nil
        queue = []
        shim.disconnected(self)
    }
}
