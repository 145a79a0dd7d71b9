/// Takes Docker's multiplexed stream apart: frames of one byte for the stream, three of zero, the payload's length in
/// four (big-endian), and the payload.
struct FrameReader {
    private var header: [UInt8] = []
    private var left = 0
    private var stream: UInt8 = 0

    /// Whether the bytes so far end within a frame.
    var isWithinFrame: Bool { left > 0 || !header.isEmpty }

    /// - Parameter sink: the stream's number (1 output, 2 errors, 3 an error of the daemon) and a piece of its payload
    mutating func read(
        _ bytes: UnsafeBufferPointer<UInt8>, _ sink: (UInt8, UnsafeBufferPointer<UInt8>) -> Void
    ) {
        var position = 0
        while position < bytes.count {
            if left > 0 {
                let count = min(left, bytes.count - position)
                sink(stream, UnsafeBufferPointer(rebasing: bytes[position..<(position + count)]))
                left -= count
                position += count
                continue
            }
            header.append(bytes[position])
            position += 1
            guard header.count == 8 else { continue }
            stream = header[0]
            left = header[4...].reduce(0) { $0 << 8 | Int($1) }
            header.removeAll(keepingCapacity: true)
        }
    }
}
