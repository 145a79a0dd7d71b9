import Glibc
import JSONCodec
import LinuxKernel
import ShimProtocol

/// Reads a log from its oldest file on, across rotations that happen meanwhile, up to where the writer is.
///
/// Files are told by a generation: that of the file being written is `writer.rotations`, the ones before it count down.
final class LogReplay {
    /// A piece of 16 KiB may grow sixfold when escaped; attributes come on top.
    private static let lineLimit = 4 << 20
    private static let step = 32768

    private let writer: JSONLogWriter
    private let output: Bool
    private let error: Bool
    private let warn: (String) -> Void
    private var generation: Int
    private var file: SharedDescriptor?
    private var bytes: [UInt8] = []
    private var start = 0

    init(_ writer: JSONLogWriter, output: Bool, error: Bool, warn: @escaping (String) -> Void) {
        self.writer = writer
        self.warn = warn
        self.output = output
        self.error = error
        generation = writer.rotations - writer.configuration.maxFiles
        advance()
    }

    /// The next line's text, with its line feed where it has one; nil where the log ends just now.
    func next() -> (StandardStream, [UInt8])? {
        while true {
            while let line = takeLine() {
                if let entry = decode(line) { return entry }
            }
            if fill() { continue }
            guard generation < writer.rotations else { return nil }
            advance()
        }
    }

    /// Opens the next file that there is.
    private func advance() {
        bytes = []
        start = 0
        file = nil
        while generation < writer.rotations, file == nil {
            generation += 1
            let age = writer.rotations - generation
            let path = writer.configuration.path
            do throws(SystemCallError) {
                file = SharedDescriptor(
                    try openFile(age == 0 ? path : "\(path).\(age)", O_RDONLY | O_NOFOLLOW))
            } catch {
                // Older files need not exist, and the oldest may have been removed by now.
                if error.errno != ENOENT { warn("cannot replay the log: \(error)") }
            }
        }
    }

    private func fill() -> Bool {
        guard let raw = file?.rawValue else { return false }
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        let old = bytes.count
        guard old < Self.lineLimit else { return false }
        bytes.append(contentsOf: repeatElement(0, count: Self.step))
        let count = bytes.withUnsafeMutableBytes { read(raw, $0.baseAddress! + old, Self.step) }
        if count < 0 {
            warn(
                "cannot replay the log: \(SystemCallError(call: "read", subject: writer.configuration.path))")
        }
        bytes.removeLast(Self.step - max(0, count))
        return count > 0
    }

    private func takeLine() -> ArraySlice<UInt8>? {
        guard let end = bytes[start...].firstIndex(of: 0x0A) else { return nil }
        defer { start = end + 1 }
        return bytes[start..<end]
    }

    /// nil for a line that is not wanted, or that is none (left by a power cut).
    private func decode(_ line: ArraySlice<UInt8>) -> (StandardStream, [UInt8])? {
        guard let value = try? JSONValue(parsing: Array(line)), let text = value["log"]?.stringValue else {
            return nil
        }
        let stream: StandardStream = value["stream"]?.stringValue == "stderr" ? .error : .output
        guard stream == .output ? output : error else { return nil }
        return (stream, Array(text.utf8))
    }
}
