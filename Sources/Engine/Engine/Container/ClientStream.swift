import Glibc
import LinuxKernel

/// A client's stream that nobody else serves.
enum ClientStream {
    /// Sends a last message and ends the stream. A client that is gone is none to be told.
    static func finish(_ stream: SharedDescriptor, with bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { send(stream.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        _ = shutdown(stream.rawValue, Int32(SHUT_RDWR))
    }
}
