import Glibc
import HTTPTransport
import LinuxKernel
import OCIModel
import Synchronization

/// A line for every request, in the combined log format of web servers, with the duration in seconds at the end.
final class AccessLog: Sendable {
    private let path: String
    private let file: Mutex<SharedDescriptor>

    /// - Parameter path: of a file that is appended to; `-` for standard output
    init(path: String) throws(SystemCallError) {
        self.path = path
        file = Mutex(try Self.open(path))
    }

    private static func open(_ path: String) throws(SystemCallError) -> SharedDescriptor {
        if path == "-" {
            let copy = try systemCall("fcntl") { fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) }
            return SharedDescriptor(Descriptor(owning: copy))
        }
        return SharedDescriptor(try openFile(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o640))
    }

    /// Opens the file anew, after it has been given another name.
    func reopen() throws(SystemCallError) {
        let new = try Self.open(path)
        file.withLock { $0 = new }
    }

    func write(_ head: RequestHead, user: String?, writer: ResponseWriter, took: Duration) {
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
        let fields = [
            writer.clientAddress ?? "-", "-", user.map(Self.clean) ?? "-",
            "[\(Timestamp.now.rfc3339(fixedWidth: false))]",
            "\"\(Self.clean(head.method)) \(Self.clean(head.target)) HTTP/1.\(head.minorVersion)\"",
            "\(writer.status)", "\(writer.bodyBytes)", "\"\(head["referer"].map(Self.clean) ?? "-")\"",
            "\"\(head["user-agent"].map(Self.clean) ?? "-")\"", "\((seconds * 1e6).rounded() / 1e6)",
        ]
        let line = Array((fields.joined(separator: " ") + "\n").utf8)
        let descriptor = file.withLock { $0 }
        // One write per line keeps lines apart. A log that cannot be written must not stop the service.
        _ = Glibc.write(descriptor.rawValue, line, line.count)
    }

    /// What a client sends cannot end the line or the field.
    private static func clean(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 > 0x1F && $0 != 0x22 && $0 != 0x5C && $0 != 0x7F }) { return text }
        return String(
            decoding: text.utf8.map {
                $0 > 0x1F && $0 != 0x22 && $0 != 0x5C && $0 != 0x7F ? $0 : UInt8(ascii: "_")
            },
            as: UTF8.self)
    }
}
