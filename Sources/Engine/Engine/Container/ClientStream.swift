import Glibc
import LinuxKernel

/// A client's stream that nobody else serves.
enum ClientStream {
    /// One frame of Docker's multiplexed stream: stream, three zeros, length (big endian), bytes.
    static func frame(_ stream: OutputStream, _ bytes: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = [stream.rawValue, 0, 0, 0]
        for shift in [24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: bytes.count >> shift)) }
        return frame + bytes
    }

    /// Sends all of it, waiting for the client, whose socket does not block.
    static func send(_ bytes: [UInt8], to stream: SharedDescriptor) throws(SystemCallError) {
        var offset = 0
        while offset < bytes.count {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(stream.rawValue, $0.baseAddress! + offset, $0.count - offset, Int32(MSG_NOSIGNAL))
            }
            if sent >= 0 {
                offset += sent
                continue
            }
            guard errno == EAGAIN || errno == EINTR else { throw SystemCallError(call: "send") }
            var entry = pollfd(fd: stream.rawValue, events: Int16(POLLOUT), revents: 0)
            poll(&entry, 1, -1)
        }
    }

    /// Sends a last message and ends the stream. A client that is gone is none to be told.
    static func finish(_ stream: SharedDescriptor, with bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes {
            Glibc.send(stream.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        _ = shutdown(stream.rawValue, Int32(SHUT_RDWR))
    }
}
