import Glibc
import LinuxKernel

/// A connection's bytes, blocking. Used by one thread at a time.
protocol Transport: AnyObject {
    /// - Returns: how many bytes; 0 where the other side has ended the stream
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
    /// Writes all of it.
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Whether nothing has arrived that nobody asked for, the end included: a kept connection is still good.
    var isQuiet: Bool { get }
    /// Whether something to read has arrived; does not wait.
    var hasInput: Bool { get }
}

/// A TCP connection without TLS. The process has to ignore SIGPIPE.
final class SocketTransport: Transport {
    let descriptor: SharedDescriptor
    private let peer: String
    private let interrupter: Interrupter
    private let idle: Int32

    init(_ descriptor: SharedDescriptor, peer: String, interrupter: Interrupter, idle: Int32) {
        self.descriptor = descriptor
        self.peer = peer
        self.interrupter = interrupter
        self.idle = idle
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            try interrupter.check()
            let count = recv(descriptor.rawValue, buffer.baseAddress, buffer.count, 0)
            if count >= 0 { return count }
            try recover(errno, POLLIN)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            try interrupter.check()
            let count = send(descriptor.rawValue, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else {
                try recover(errno, POLLOUT)
            }
        }
    }

    /// Waits where the socket was not ready; throws where the connection is broken.
    private func recover(_ number: Int32, _ events: Int32) throws {
        if number == EINTR { return }
        guard number == EAGAIN || number == EWOULDBLOCK else {
            throw RegistryError(
                .unavailable, "\(peer): \(String(cString: strerror(number)))", isTransient: true)
        }
        try interrupter.wait(descriptor.rawValue, events, milliseconds: idle, peer)
    }

    var isQuiet: Bool {
        let count = peek()
        return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)
    }

    var hasInput: Bool { peek() > 0 }

    private func peek() -> Int {
        var byte: UInt8 = 0
        return recv(descriptor.rawValue, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    }
}
