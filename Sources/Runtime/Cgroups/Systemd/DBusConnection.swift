import Glibc
import LinuxKernel

/// A connection to the service manager: its own socket, which only root may use and which needs no bus daemon, or else
/// the system bus. Blocking, for one thread, made for a few calls and closed.
final class DBusConnection {
    /// Why a call came to nothing.
    enum Failure: Error {
        case system(SystemCallError)
        /// What was read is not what the protocol says.
        case protocolViolation(String)
        /// The other side refused: its error's name, such as `org.freedesktop.systemd1.UnitExists`, and text.
        case refused(name: String, message: String)
        case timedOut
    }

    private let socket: Descriptor
    private var received: [UInt8] = []
    private var lastSerial: UInt32 = 0
    /// Signals that came while a reply was awaited.
    private(set) var signals: [DBusMessage] = []
    private let deadline: Int64
    /// Whether it is the service manager's own socket.
    private(set) var isPrivate = true

    static let privateSocket = (directory: "/run/systemd", name: "private")
    static let systemBus = (directory: "/run/dbus", name: "system_bus_socket")

    /// - Parameter seconds: for everything that is done with it
    init(seconds: Int64 = 30) throws(Failure) {
        deadline = Self.now + seconds * 1000
        do throws(SystemCallError) {
            socket = try Self.connect(isPrivate: &isPrivate)
        } catch {
            throw .system(error)
        }
        try authenticate()
        if !isPrivate {
            _ = try call(
                DBusMessage(
                    call: "Hello", on: "org.freedesktop.DBus", path: "/org/freedesktop/DBus",
                    to: "org.freedesktop.DBus", body: []))
        }
    }

    private static func connect(isPrivate: inout Bool) throws(SystemCallError) -> Descriptor {
        do throws(SystemCallError) {
            return try connectUnix(directory: privateSocket.directory, name: privateSocket.name)
        } catch {
            isPrivate = false
            return try connectUnix(directory: systemBus.directory, name: systemBus.name)
        }
    }

    /// The kernel tells the other side who we are; the text only has to agree ("Authentication Protocol").
    private func authenticate() throws(Failure) {
        let user = String(geteuid()).utf8.map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        try send(Array("\0AUTH EXTERNAL \(user)\r\nBEGIN\r\n".utf8))
        while true {
            if let end = received.firstIndex(of: 10) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                guard line.hasPrefix("OK ") else {
                    throw .protocolViolation("authentication failed: \(line.prefix(80))")
                }
                return
            }
            guard received.count < 512 else { throw .protocolViolation("no answer to the authentication") }
            try fill()
        }
    }

    /// Sends a call and waits for its reply.
    func call(_ message: DBusMessage) throws(Failure) -> [DBusValue] {
        lastSerial += 1
        var message = message
        message.serial = lastSerial
        try send(message.bytes())
        while true {
            let answer = try next()
            switch answer.kind {
            case .reply where answer.replySerial == lastSerial: return answer.body
            case .error where answer.replySerial == lastSerial:
                throw .refused(name: answer.errorName ?? "", message: answer.body.first?.text ?? "")
            case .signal: signals.append(answer)
            default: break
            }
        }
    }

    /// The next signal for which `found` is true, of those that came before first.
    func signal(where found: (DBusMessage) -> Bool) throws(Failure) -> DBusMessage {
        if let index = signals.firstIndex(where: found) { return signals.remove(at: index) }
        while true {
            let message = try next()
            if message.kind == .signal, found(message) { return message }
        }
    }

    private func next() throws(Failure) -> DBusMessage {
        while true {
            if let message = try complete() { return message }
            try fill()
        }
    }

    /// The first message, once all of it has come.
    private func complete() throws(Failure) -> DBusMessage? {
        do throws(DBusFormatError) {
            guard let length = try DBusMessage.length(received[...]), received.count >= length else {
                return nil
            }
            let message = Array(received[..<length])
            received.removeSubrange(..<length)
            return try DBusMessage(message[...])
        } catch {
            throw .protocolViolation(error.reason)
        }
    }

    private func send(_ bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            do throws(SystemCallError) {
                rest = rest.dropFirst(try sendMessage(socket.rawValue, rest, []))
            } catch {
                guard error.errno == EAGAIN else { throw .system(error) }
                try wait(POLLOUT)
            }
        }
    }

    private func fill() throws(Failure) {
        try wait(POLLIN)
        do throws(SystemCallError) {
            let message = try receiveMessage(socket.rawValue, limit: 16384, blocking: false)
            if message.bytes.isEmpty { throw SystemCallError(call: "recvmsg", errno: ECONNRESET) }
            received += message.bytes
        } catch {
            if error.errno != EAGAIN { throw .system(error) }
        }
    }

    private func wait(_ events: Int32) throws(Failure) {
        while true {
            let left = deadline - Self.now
            guard left > 0 else { throw .timedOut }
            var ready = pollfd(fd: socket.rawValue, events: Int16(events), revents: 0)
            let count = poll(&ready, 1, Int32(clamping: left))
            if count > 0 { return }
            if count < 0, errno != EINTR { throw .system(SystemCallError(call: "poll")) }
        }
    }

    /// Milliseconds of the monotonic clock.
    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
