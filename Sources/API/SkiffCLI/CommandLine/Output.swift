import EngineClient
import Glibc
import LinuxKernel

/// Standard output, buffered until the end or a flush.
final class Output {
    private var buffer: [UInt8] = []
    private static let limit = 65536

    func write(_ text: String) { write(Array(text.utf8)) }

    func line(_ text: String) { write(text + "\n") }

    func write(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.limit { flush() }
    }

    /// Writes what is buffered. Where nobody reads any more, the program ends as one killed by SIGPIPE does.
    func flush() {
        guard !buffer.isEmpty else { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        do throws(SystemCallError) {
            try writeAll(1, buffer)
        } catch {
            if error.errno == EPIPE { exit(141) }
            Output.error("write /dev/stdout: \(error)")
            exit(1)
        }
    }

    /// Prints an answer that goes on until somebody ends it. Where nobody reads standard output any more, as in
    /// `logs --follow web | grep -m 1 ready`, the program ends at once, as one killed by SIGPIPE does.
    static func whileRead(_ response: EngineResponse, _ print: () throws -> Int32) throws -> Int32 {
        response.connection.reader = 1
        defer { response.connection.reader = -1 }
        do {
            return try print()
        } catch let error as EngineError where error.code == .readerGone {
            return 128 + SIGPIPE
        }
    }

    /// A line on standard error, behind whatever went to standard output. There is nobody to tell where that fails.
    static func error(_ text: String) {
        do throws(SystemCallError) { try writeAll(2, Array((text + "\n").utf8)) } catch { return }
    }
}
