import Glibc
import LinuxKernel
import ShimProtocol

/// One way out of a process: the pipe that is its stdout or stderr, or its terminal.
final class OutputSource: EventHandler {
    enum Content {
        case bytes(Int)
        case nothing
        case end
    }

    let stream: StandardStream
    private let descriptor: SharedDescriptor
    private var watch: Watch?
    private unowned let streams: ProcessStreams

    init(
        _ descriptor: SharedDescriptor, _ stream: StandardStream, _ streams: ProcessStreams, _ loop: EventLoop
    ) throws(SystemCallError) {
        self.stream = stream
        self.descriptor = descriptor
        self.streams = streams
        watch = try loop.watch(descriptor.rawValue, .readable, self)
    }

    /// Whether output is taken from the process just now.
    var isPaused: Bool {
        get { watch?.events == nil }
        set { watch?.events = newValue ? nil : .readable }
    }

    func close() {
        watch?.cancel()
        watch = nil
    }

    func ready(_ events: PollEvents, tag: Int) { streams.receive(from: self) }

    /// Reads once, without waiting.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Content {
        let raw = descriptor.rawValue
        do throws(SystemCallError) {
            let count = try systemCall("read") { Glibc.read(raw, buffer.baseAddress, buffer.count) }
            return count == 0 ? .end : .bytes(count)
        } catch {
            // EIO is how a terminal says that nobody has its other side open any more.
            return error.errno == EAGAIN ? .nothing : .end
        }
    }
}
