import CLinux
import Glibc
package import LinuxKernel
import Synchronization

/// The daemon's side of the conversation with one shim.
///
/// Any thread may send; one thread at a time receives. `receive` blocks; `receiveAvailable` never does, so one thread can
/// serve many connections with epoll or poll on `descriptor` (wait for readability).
package final class ShimConnection: Sendable {
    private let socket: SharedDescriptor
    private let sending = Mutex<UInt64>(0)
    private let receiving = Mutex(ShimFrameReader())

    package init(_ socket: consuming Descriptor) { self.socket = SharedDescriptor(socket) }

    private init(_ socket: SharedDescriptor) { self.socket = socket }

    /// To wait on; not to be read, written or closed.
    package var descriptor: Int32 { socket.rawValue }

    /// A connection and the other end of it, which a shim is started with as descriptor 3.
    package static func makePair() throws(ShimError) -> (
        connection: ShimConnection, shimEnd: SharedDescriptor
    ) {
        let (near, far) = try wrap("cannot make a socket pair") { () throws(SystemCallError) in
            try makeStreamSockets()
        }
        return (ShimConnection(near), far)
    }

    /// Connects to a running shim again.
    /// - Throws: `ShimError.disconnected` where nothing listens: the shim has gone
    package static func connect(to folder: String) throws(ShimError) -> ShimConnection {
        do throws(SystemCallError) {
            return ShimConnection(try connectUnix(directory: folder, name: ShimFolder.socket))
        } catch {
            let gone = error.errno == ENOENT || error.errno == ECONNREFUSED
            throw ShimError(gone ? .disconnected : .inputOutput, "cannot connect to the shim: \(error)")
        }
    }

    /// Sends a request and returns its id, by which the reply is known. Blocks while the shim reads nothing, at most
    /// `timeout` seconds.
    /// - Throws: `ShimError.disconnected`, `.timedOut`; the connection is of no use after a timeout
    @discardableResult
    package func send(_ request: ShimRequest, timeout: Int32 = 30) throws(ShimError) -> UInt64 {
        try sending.withLock { (lastID: inout UInt64) throws(ShimError) in
            lastID += 1
            try transmit(request.frame(id: lastID), timeout)
            return lastID
        }
    }

    /// Sends a request under an id that the caller has chosen, for one who must register the id before the reply can
    /// arrive. Not to be mixed with `send` without id on one connection.
    package func send(_ request: ShimRequest, id: UInt64, timeout: Int32 = 30) throws(ShimError) {
        try sending.withLock { (_: inout UInt64) throws(ShimError) in
            try transmit(request.frame(id: id), timeout)
        }
    }

    private func transmit(_ frame: ShimFrame, _ timeout: Int32) throws(ShimError) {
        let bytes = try frame.bytes()
        var offset = 0
        while offset < bytes.count {
            do throws(SystemCallError) {
                // Descriptors go with the first byte; once that is out they are.
                let descriptors = offset == 0 ? frame.descriptors : []
                offset += try sendMessage(socket.rawValue, bytes[offset...], descriptors)
            } catch {
                switch error.errno {
                case EAGAIN: try awaitRoom(timeout)
                case EPIPE, ECONNRESET: throw ShimError(.disconnected, "the shim has gone")
                default: throw ShimError(.inputOutput, "cannot send to the shim: \(error)")
                }
            }
        }
    }

    private func awaitRoom(_ timeout: Int32) throws(ShimError) {
        var entry = pollfd(fd: socket.rawValue, events: Int16(POLLOUT), revents: 0)
        let count = poll(&entry, 1, timeout * 1000)
        if count == 0 { throw ShimError(.timedOut, "the shim has read nothing for \(timeout) seconds") }
    }

    /// The next message; waits for it.
    /// - Returns: nil at the end: the shim has gone, or has closed the connection
    package func receive() throws(ShimError) -> ShimMessage? {
        try receiving.withLock { (reader: inout ShimFrameReader) throws(ShimError) in
            while true {
                if let frame = try reader.next() { return try ShimMessage(decoding: frame) }
                guard try fill(&reader, blocking: true) == .data else { return nil }
            }
        }
    }

    /// Everything that has arrived. Never waits.
    /// - Returns: the messages, and whether the connection has come to its end behind them
    package func receiveAvailable() throws(ShimError) -> (messages: [ShimMessage], ended: Bool) {
        try receiving.withLock { (reader: inout ShimFrameReader) throws(ShimError) in
            var messages: [ShimMessage] = []
            while true {
                while let frame = try reader.next() { messages.append(try ShimMessage(decoding: frame)) }
                switch try fill(&reader, blocking: false) {
                case .data: continue
                case .nothing: return (messages, false)
                case .end: return (messages, true)
                }
            }
        }
    }

    private enum Fill { case data, nothing, end }

    private func fill(_ reader: inout ShimFrameReader, blocking: Bool) throws(ShimError) -> Fill {
        do throws(SystemCallError) {
            let received = try receiveMessage(socket.rawValue, blocking: blocking)
            if received.bytes.isEmpty { return .end }
            reader.append(received.bytes, received.descriptors)
            return .data
        } catch {
            switch error.errno {
            case EAGAIN where !blocking: return .nothing
            case ECONNRESET: return .end
            default: throw ShimError(.inputOutput, "cannot receive from the shim: \(error)")
            }
        }
    }

    /// Ends the conversation for both sides; a `receive` that waits returns nil.
    package func shutdown() { _ = Glibc.shutdown(socket.rawValue, Int32(SHUT_RDWR)) }
}

private func wrap<T>(
    _ operation: String, _ body: () throws(SystemCallError) -> T
) throws(ShimError) -> T {
    do throws(SystemCallError) {
        return try body()
    } catch {
        throw ShimError(.inputOutput, "\(operation): \(error)")
    }
}
