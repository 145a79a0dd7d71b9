import Glibc
import LinuxKernel

/// The socket between the caller and the process that is being made. It closes itself with a successful exec, which is
/// how the caller learns of it.
struct SetupChannel: ~Copyable {
    enum Message {
        /// Everything but the start is done.
        case prepared
        /// The terminal's master, as a descriptor beside the message.
        case console
        /// Namespaces and mounts are there, the root is not changed yet: time for the caller's hooks.
        case mounted
        /// From the caller: go on.
        case proceed
        case failed(RuntimeError)
    }

    let socket: Descriptor

    init(_ socket: consuming Descriptor) { self.socket = socket }

    /// Makes the calling process end with its parent, whose end of the channel is the other one of `socket`; ends it at
    /// once where the parent has gone before the kernel could know of this wish. (getppid(2) does not tell: across PID
    /// namespaces it is always 0.)
    static func dieWithParent(_ socket: Int32) throws(RuntimeError) {
        try step("death with the parent") { () throws(SystemCallError) in try setParentDeathSignal(SIGKILL) }
        var entry = pollfd(fd: socket, events: 0, revents: 0)
        if poll(&entry, 1, 0) == 1, Int32(entry.revents) & POLLHUP != 0 { _exit(1) }
    }

    func send(_ message: Message, descriptors: [SharedDescriptor] = []) throws(SystemCallError) {
        _ = try sendMessage(socket.rawValue, Self.encode(message)[...], descriptors)
    }

    /// The next message; nil where the other side has closed.
    func receive() throws(SystemCallError) -> (message: Message, descriptors: [SharedDescriptor])? {
        let received: ReceivedMessage
        do throws(SystemCallError) {
            received = try receiveMessage(socket.rawValue, limit: 16384, blocking: true)
        } catch  where error.errno == ECONNRESET {
            return nil
        }
        guard !received.bytes.isEmpty else { return nil }
        guard let message = Self.decode(received.bytes) else {
            throw SystemCallError(call: "recvmsg", errno: EBADMSG, subject: "the channel of a new process")
        }
        return (message, received.descriptors)
    }

    static func encode(_ message: Message) -> [UInt8] {
        switch message {
        case .prepared: return [UInt8(ascii: "P")]
        case .console: return [UInt8(ascii: "C")]
        case .mounted: return [UInt8(ascii: "M")]
        case .proceed: return [UInt8(ascii: "G")]
        case .failed(let error):
            return Array("E\(error.code.rawValue) \(error.errno) \(error.message.prefix(8000))".utf8)
        }
    }

    static func decode(_ bytes: [UInt8]) -> Message? {
        switch bytes.first {
        case UInt8(ascii: "P"): return .prepared
        case UInt8(ascii: "C"): return .console
        case UInt8(ascii: "M"): return .mounted
        case UInt8(ascii: "G"): return .proceed
        case UInt8(ascii: "E"):
            let parts = bytes.dropFirst().split(separator: 32, maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3,
                let code = RuntimeError.Code(rawValue: String(decoding: parts[0], as: UTF8.self)),
                let errno = Int32(String(decoding: parts[1], as: UTF8.self))
            else { return nil }
            return .failed(RuntimeError(code, String(decoding: parts[2], as: UTF8.self), errno: errno))
        default: return nil
        }
    }
}

/// Runs a step of a set-up; its failure names it.
@discardableResult
func step<T: ~Copyable>(
    _ what: @autoclosure () -> String, _ body: () throws(SystemCallError) -> T
) throws(RuntimeError) -> T {
    do throws(SystemCallError) {
        return try body()
    } catch {
        throw RuntimeError(.setupFailed, "\(what()): \(error)", errno: error.errno)
    }
}

/// In this target a descriptor is the kernel's, not the image specification's.
typealias Descriptor = LinuxKernel.Descriptor
