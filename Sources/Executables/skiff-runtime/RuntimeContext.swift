import Cgroups
import Glibc
import JSONCodec
import LinuxKernel
import OCIModel
import OCIRuntime

/// What the options before the command say.
struct RuntimeContext {
    let root: String
    let log: Log
    let seccompCache: String
    /// `--systemd-cgroup`: systemd makes the control groups.
    let usesSystemd: Bool

    /// Directory of one container's state.
    func directory(_ id: String) throws(CommandError) -> String {
        do throws(RuntimeError) {
            try ContainerConfiguration.checkIdentifier(id)
        } catch {
            throw CommandError(error)
        }
        return "\(root)/\(id)"
    }
}

/// Where messages go: always standard error, and the file that `--log` names, from which the caller reads them.
struct Log {
    let path: String?
    let isJSON: Bool
    let debugs: Bool

    func error(_ message: String) {
        write("error", message)
        Self.toStandardError("skiff-runtime: \(message)")
    }

    func warning(_ message: String) {
        write("warning", message)
        Self.toStandardError("skiff-runtime: warning: \(message)")
    }

    func debug(_ message: String) { if debugs { write("debug", message) } }

    private func write(_ level: String, _ message: String) {
        guard let path else { return }
        let time = Timestamp.now.description
        let value: JSONValue = ["level": .string(level), "msg": .string(message), "time": .string(time)]
        let line =
            isJSON
            ? value.text()
            : "time=\"\(time)\" level=\(level) msg=\(String(decoding: message.jsonQuoted(), as: UTF8.self))"
        // A log that cannot be written must not hide the message itself, which goes to standard error.
        if let file = try? openFile(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600) {
            try? writeAll(file.rawValue, Array("\(line)\n".utf8))
        }
    }

    static func toStandardError(_ text: String) { try? writeAll(2, Array("\(text)\n".utf8)) }
}

func standardOutput(_ text: String) throws(CommandError) {
    do throws(SystemCallError) {
        try writeAll(1, Array("\(text)\n".utf8))
    } catch {
        throw CommandError("\(error)")
    }
}

/// Runs a kernel call of a command.
@discardableResult
func system<T: ~Copyable>(
    _ what: @autoclosure () -> String, _ body: () throws(SystemCallError) -> T
) throws(CommandError) -> T {
    do throws(SystemCallError) { return try body() } catch { throw CommandError("\(what()): \(error)") }
}

/// Runs a call of the runtime library.
@discardableResult
func runtime<T: ~Copyable>(_ body: () throws(RuntimeError) -> T) throws(CommandError) -> T {
    do throws(RuntimeError) { return try body() } catch { throw CommandError(error) }
}

@discardableResult
func cgroup<T>(_ body: () throws(CgroupError) -> T) throws(CommandError) -> T {
    do throws(CgroupError) { return try body() } catch { throw CommandError(error.message) }
}
