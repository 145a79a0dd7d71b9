import CLinux
import Glibc

/// Sends bytes and descriptors over a unix stream socket without blocking or raising SIGPIPE (unix(7), SCM_RIGHTS).
/// - Returns: how many bytes went; the descriptors went with the first
package func sendMessage(
    _ socket: Int32, _ bytes: ArraySlice<UInt8>, _ descriptors: [SharedDescriptor]
) throws(SystemCallError) -> Int {
    let numbers = descriptors.map(\.rawValue)
    let sent = bytes.withUnsafeBytes { buffer in
        skiff_send_message(socket, buffer.baseAddress, UInt64(buffer.count), numbers, Int32(numbers.count))
    }
    return Int(try rawCall("sendmsg") { sent })
}

/// What arrived in one call: at least one byte, or none at the end of the stream.
package struct ReceivedMessage: Sendable {
    package var bytes: [UInt8]
    package var descriptors: [SharedDescriptor]
}

/// Receives bytes and descriptors, close-on-exec.
/// - Throws: `EAGAIN` where nothing is there and `blocking` is false; `EMSGSIZE` where descriptors were lost because
///   this process has too many
package func receiveMessage(
    _ socket: Int32, limit: Int = 65536, blocking: Bool
) throws(SystemCallError) -> ReceivedMessage {
    var numbers = [Int32](repeating: -1, count: Int(SKIFF_DESCRIPTOR_LIMIT))
    var count: Int32 = 0
    var received = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
        received = skiff_receive_message(
            socket, buffer.baseAddress, UInt64(limit), blocking ? 1 : 0, &numbers, &count)
        filled = max(0, received)
    }
    try rawCall("recvmsg") { received }
    let descriptors = numbers[..<Int(count)].map { SharedDescriptor(Descriptor(owning: $0)) }
    return ReceivedMessage(bytes: bytes, descriptors: descriptors)
}

/// Connects to the stream socket `name` in `directory`, however long the directory's path is.
package func connectUnix(directory: String, name: String) throws(SystemCallError) -> Descriptor {
    try unixSocket(directory: directory, name: name, backlog: 0)
}

/// Listens on the stream socket `name` in `directory`, however long the directory's path is.
package func listenUnix(directory: String, name: String, backlog: Int32) throws(SystemCallError) -> Descriptor
{
    try unixSocket(directory: directory, name: name, backlog: backlog)
}

/// A socket's path may have 107 bytes; a longer one is reached through a descriptor of its directory.
private func unixSocket(directory: String, name: String, backlog: Int32) throws(SystemCallError) -> Descriptor
{
    let path = "\(directory)/\(name)"
    if path.utf8.count <= 107 {
        return Descriptor(owning: try rawCall("socket", path) { skiff_unix_socket(path, backlog) })
    }
    let anchor = try openFile(directory, O_RDONLY | O_DIRECTORY)
    let short = "\(anchor.procPath)/\(name)"
    return Descriptor(owning: try rawCall("socket", path) { skiff_unix_socket(short, backlog) })
}

/// The user and process that the peer of a unix socket was when it connected (SO_PEERCRED).
package func peerCredentials(_ socket: Int32) throws(SystemCallError) -> (user: UInt32, process: Int32) {
    var user: UInt32 = 0
    var process: Int32 = 0
    try rawCall("getsockopt") { skiff_peer_user(socket, &user, &process) }
    return (user, process)
}
