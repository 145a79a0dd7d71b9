import Glibc
package import LinuxKernel

/// A netlink socket in the network namespace of the thread that opened it. Not safe to use from two threads at once:
/// its owner locks.
package final class NetlinkSocket: @unchecked Sendable {
    package let descriptor: SharedDescriptor
    /// The kernel's name for this socket (`nlmsg_pid` of what it causes).
    package let port: UInt32
    private var sequence: UInt32 = 0
    private var sendBufferSize = 0
    private var buffer = [UInt8](repeating: 0, count: 65536)

    /// - Parameter groups: multicast groups to receive (their numbers, not a mask)
    package init(_ netlinkProtocol: Int32, groups: [UInt32] = []) throws(SystemCallError) {
        let raw = try systemCall("socket", "netlink") {
            socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), netlinkProtocol)
        }
        let owned = Descriptor(owning: raw)
        var address = NetlinkAddress()
        try systemCall("bind", "netlink") { address.withSocketAddress { bind(raw, $0, $1) } }
        var length = socklen_t(MemoryLayout<NetlinkAddress>.size)
        try systemCall("getsockname", "netlink") {
            withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(raw, $0, &length) }
            }
        }
        port = address.port
        // Errors without the copy of the request, and with the kernel's own words.
        try Self.set(raw, SocketOption.level, SocketOption.capAcknowledgement, 1)
        try Self.set(raw, SocketOption.level, SocketOption.extendedAcknowledgement, 1)
        for group in groups {
            try Self.set(raw, SocketOption.level, SocketOption.addMembership, Int32(group))
        }
        // Answers are queued before send returns; a kernel that never answers must not hang the daemon.
        var limit = timeval(tv_sec: groups.isEmpty ? 10 : 0, tv_usec: 0)
        try systemCall("setsockopt", "SO_RCVTIMEO") {
            setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        descriptor = SharedDescriptor(owned)
    }

    private static func set(
        _ raw: Int32, _ level: Int32, _ option: Int32, _ value: Int32
    ) throws(SystemCallError) {
        var value = value
        try systemCall("setsockopt", "netlink \(option)") {
            setsockopt(raw, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// Sends every message of the batch in one call and waits until the last was acknowledged.
    /// - Throws: the first error that its message does not tolerate. The requests of an rtnetlink batch stand
    ///   alone, later ones were tried nevertheless; an nftables batch was undone as a whole.
    package func transact(_ batch: MessageBatch) throws(SystemCallError) {
        guard let last = batch.messages.lastIndex(where: { $0.flags.contains(.acknowledge) }) else { return }
        let first = try send(batch)
        var failure: SystemCallError?
        while true {
            for message in try receive() where message.type == ControlMessage.error {
                let index = Int(message.sequence &- first)
                guard index < batch.messages.count else { continue }
                let number = -(message.payload.integer(Int32.self, at: 0) ?? -EBADMSG)
                let request = batch.messages[index]
                if number != 0, !request.tolerated.contains(number), failure == nil {
                    failure = Self.error(number, request, message)
                }
                // Running out of memory is reported for the first message of a transaction only.
                if index == last || (index == 0 && number != 0 && !request.flags.contains(.acknowledge)) {
                    if let failure { throw failure }
                    return
                }
            }
        }
    }

    /// Sends one request and collects what it returns: one answer, or with `.dump` all of them.
    package func request(_ batch: MessageBatch) throws(SystemCallError) -> [NetlinkMessage] {
        for _ in 0..<8 {
            if let answer = try requestOnce(batch) { return answer }
        }
        throw SystemCallError(call: batch.messages.first?.name ?? "netlink dump", errno: EAGAIN)
    }

    /// nil where the data changed during the dump.
    private func requestOnce(_ batch: MessageBatch) throws(SystemCallError) -> [NetlinkMessage]? {
        guard let request = batch.messages.first else { return [] }
        let first = try send(batch)
        var answer: [NetlinkMessage] = []
        var interrupted = false
        while true {
            for message in try receive() where message.sequence == first {
                interrupted = interrupted || message.flags.contains(.dumpInterrupted)
                switch message.type {
                case ControlMessage.error, ControlMessage.done:
                    let number = message.payload.integer(Int32.self, at: 0) ?? 0
                    if number < 0, !request.tolerated.contains(-number) {
                        throw Self.error(-number, request, message)
                    }
                    return interrupted ? nil : answer
                default:
                    answer.append(message)
                    if !message.flags.contains(.multipart), !request.flags.contains(.acknowledge) {
                        return answer
                    }
                }
            }
        }
    }

    private func send(_ batch: MessageBatch) throws(SystemCallError) -> UInt32 {
        guard !batch.isTooLong else {
            throw SystemCallError(call: "netlink", errno: EMSGSIZE, subject: batch.messages.first?.name ?? "")
        }
        let first = sequence &+ 1
        sequence = sequence &+ UInt32(truncatingIfNeeded: batch.messages.count)
        let bytes = batch.numbered(from: first)
        let raw = descriptor.rawValue
        // A transaction travels in one buffer, whatever its size.
        let needed = bytes.count + 4096
        if needed > 100_000, needed > sendBufferSize {
            try Self.set(raw, SOL_SOCKET, SO_SNDBUFFORCE, Int32(clamping: needed * 2))
            sendBufferSize = needed
        }
        var kernel = NetlinkAddress()
        try systemCall("sendto", batch.messages.first?.name ?? "netlink") {
            kernel.withSocketAddress { address, length in
                sendto(raw, bytes, bytes.count, 0, address, length)
            }
        }
        return first
    }

    /// Receives one datagram. Blocks; with multicast groups without a limit.
    /// - Throws: `ENOBUFS` where notifications were lost
    package func receive() throws(SystemCallError) -> [NetlinkMessage] {
        let raw = descriptor.rawValue
        let count = try systemCall("recv", "netlink") {
            buffer.withUnsafeMutableBytes { recv(raw, $0.baseAddress, $0.count, Int32(MSG_TRUNC)) }
        }
        if count > buffer.count {
            // A datagram longer than the buffer is gone; the next one will fit.
            buffer = [UInt8](repeating: 0, count: count * 2)
            throw SystemCallError(call: "recv", errno: ENOBUFS, subject: "netlink")
        }
        return NetlinkMessage.parse(buffer[0..<count])
    }

    private static func error(
        _ number: Int32, _ request: MessageBatch.Message, _ message: NetlinkMessage
    ) -> SystemCallError {
        // struct nlmsgerr: the error, the header of the request (its payload is capped), then attributes.
        let words = message.attributes(after: 20)[1]?.string ?? ""
        let parts = [request.subject, words].filter { !$0.isEmpty }
        return SystemCallError(call: request.name, errno: number, subject: parts.joined(separator: ": "))
    }
}

/// `struct sockaddr_nl`.
private struct NetlinkAddress {
    var family = UInt16(AF_NETLINK)
    var padding: UInt16 = 0
    var port: UInt32 = 0
    var groups: UInt32 = 0

    mutating func withSocketAddress<T>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
        withUnsafePointer(to: &self) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<NetlinkAddress>.size))
            }
        }
    }
}
