/// Hands small pieces on together: an archive is written in headers and files of a few KB, and a sink may have to wake
/// another thread for each write.
final class GatheringSink: ByteSink {
    private let target: any ByteSink
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 512 << 10, alignment: 64)
    private var filled = 0

    init(_ target: any ByteSink) { self.target = target }

    deinit { buffer.deallocate() }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if bytes.count > buffer.count - filled { try flush() }
        guard bytes.count < buffer.count else { return try target.write(bytes) }
        UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
        filled += bytes.count
    }

    /// Everything that was written so far goes on.
    func flush() throws {
        guard filled > 0 else { return }
        try target.write(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
        filled = 0
    }
}
