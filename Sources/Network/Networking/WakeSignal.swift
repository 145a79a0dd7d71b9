import Glibc
import LinuxKernel

/// Wakes a thread that sleeps in `poll` or `read`: a pipe with a byte in it.
final class WakeSignal: Sendable {
    private let readEnd: SharedDescriptor
    private let writeEnd: SharedDescriptor

    init() throws(SystemCallError) {
        let ends = try makePipe()
        readEnd = SharedDescriptor(Descriptor(owning: ends.read))
        writeEnd = SharedDescriptor(Descriptor(owning: ends.write))
    }

    /// To be polled for reading.
    var descriptor: Int32 { readEnd.rawValue }

    func set() {
        var byte: UInt8 = 1
        _ = write(writeEnd.rawValue, &byte, 1)
    }

    /// Sleeps until `set` was called, and takes that back.
    func wait() {
        var bytes = [UInt8](repeating: 0, count: 64)
        _ = read(readEnd.rawValue, &bytes, bytes.count)
    }
}
