import CLinux
import Glibc

/// Two connected AF_UNIX sockets that keep message borders and report the other side's end; close-on-exec.
/// The caller owns both.
package func makeMessageSockets() throws(SystemCallError) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    try systemCall("socketpair") { socketpair(AF_UNIX, kind, 0, &ends) }
    return (ends[0], ends[1])
}

/// Two connected AF_UNIX stream sockets, close-on-exec: the one that stays, and the one that is given to somebody.
package func makeStreamSockets() throws(SystemCallError) -> (near: SharedDescriptor, far: SharedDescriptor) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    try systemCall("socketpair") { socketpair(AF_UNIX, kind, 0, &ends) }
    return (SharedDescriptor(Descriptor(owning: ends[0])), SharedDescriptor(Descriptor(owning: ends[1])))
}

/// The next connection to a listening socket, close-on-exec.
package func acceptConnection(_ socket: Int32) throws(SystemCallError) -> Descriptor {
    Descriptor(owning: try rawCall("accept4") { skiff_accept(socket) })
}
