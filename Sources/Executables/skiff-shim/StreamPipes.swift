import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime
import ShimProtocol

/// The descriptors that a process is started with, and our ends of them.
struct StreamPipes {
    /// What the process gets as 0, 1 and 2; released once it has them. Empty with a terminal.
    private(set) var theirs: [SharedDescriptor] = []
    private(set) var input: SharedDescriptor?
    private(set) var outputs: [(SharedDescriptor, StandardStream)] = []
    /// Of a terminal; the kernel's default where nil.
    let consoleSize: RuntimeConsoleSize?
    let isTerminal: Bool

    /// - Parameters:
    ///   - openInput: a pipe as stdin, else /dev/null
    ///   - takesOutput: pipes as stdout and stderr, else /dev/null
    init(_ process: RuntimeProcess, openInput: Bool, takesOutput: Bool) throws(SystemCallError) {
        isTerminal = process.terminal
        consoleSize = process.consoleSize
        if isTerminal { return }
        if openInput {
            let (reading, writing) = try makePipe()
            theirs.append(SharedDescriptor(Descriptor(owning: reading)))
            input = SharedDescriptor(Descriptor(owning: writing))
        } else {
            theirs.append(SharedDescriptor(try openFile("/dev/null", O_RDWR)))
        }
        for stream in StandardStream.allCases {
            guard takesOutput else {
                theirs.append(SharedDescriptor(try openFile("/dev/null", O_RDWR)))
                continue
            }
            let (reading, writing) = try makePipe()
            try setNonBlocking(reading)
            outputs.append((SharedDescriptor(Descriptor(owning: reading)), stream))
            theirs.append(SharedDescriptor(Descriptor(owning: writing)))
        }
    }

    var standard: StandardStreams {
        isTerminal
            ? .console(consoleSize)
            : .descriptors(
                input: theirs[0].rawValue, output: theirs[1].rawValue, error: theirs[2].rawValue)
    }

    /// Closes the process's ends here, so that an end of file is seen when the process is gone.
    mutating func releaseTheirs() { theirs = [] }

    /// Connects our ends, or those of the terminal.
    func connect(_ streams: ProcessStreams, console: SharedDescriptor?) throws(SystemCallError) {
        if let console {
            try setNonBlocking(console.rawValue)
            let writing = SharedDescriptor(try console.duplicate())
            try streams.addOutput(console, .output)
            try streams.setInput(writing)
            return
        }
        for (descriptor, stream) in outputs { try streams.addOutput(descriptor, stream) }
        if let input { try streams.setInput(input) }
    }
}
