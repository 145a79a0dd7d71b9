import Glibc
import LinuxKernel
package import OCIModel

/// A layer's archive, made again from its recipe and compressed, for one reading thread.
package final class CompressingSource: ByteSource {
    private let queue = ChunkQueue(depth: 8)
    private let pool = ChunkPool()
    private let plain: QueueSpanSource
    private let compressor: any LayerCompressor
    private var thread: WorkerThread?
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var isAtEnd = false
    private let output = Chunk()
    /// How much of `output` was read.
    private var taken = 0
    private var hash = ContentHash()
    /// Compressed bytes so far.
    package private(set) var size: Int64 = 0

    /// - Parameter archive: writes the plain archive, on a thread of its own
    init(
        _ compressor: any LayerCompressor,
        archive: @escaping @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        self.compressor = compressor
        plain = QueueSpanSource(queue: queue, pool: pool)
        let (queue, pool) = (queue, pool)
        thread = try WorkerThread {
            do {
                try Self.push(archive, queue, pool)
            } catch {
                queue.fail(error)
            }
        }
    }

    deinit {
        // A reader that stops early must not leave the thread waiting for room.
        queue.fail(ImageError(.cancelled, "nobody reads the layer any more"))
        thread?.join()
    }

    /// Hands the archive over in full chunks, wherever its pieces begin: the compressor's output depends on that.
    private static func push(
        _ archive: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void, _ queue: ChunkQueue,
        _ pool: ChunkPool
    ) throws {
        var chunk = pool.take()
        try archive { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let count = min(rest.count, chunk.space.count)
                chunk.space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
                chunk.count += count
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                if chunk.isFull {
                    try queue.push(chunk)
                    chunk = pool.take()
                }
            }
        }
        try queue.push(chunk)
        queue.finish()
    }

    /// Of everything that was read so far.
    package var digest: Digest { hash.digest }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if taken == output.count { try compress() }
        let count = min(buffer.count, output.count - taken)
        guard count > 0 else { return 0 }
        let piece = UnsafeRawBufferPointer(rebasing: output.bytes[taken..<taken + count])
        buffer.copyMemory(from: piece)
        hash.update(piece)
        taken += count
        size += Int64(count)
        return count
    }

    /// Fills `output`, which has always the same size, for the same reason.
    private func compress() throws {
        (output.count, taken) = (0, 0)
        while output.count == 0, !compressor.isFinished {
            if input.isEmpty, !isAtEnd {
                input = try plain.nextSpan()
                isAtEnd = input.isEmpty
            }
            output.count = try compressor.compress(&input, isLast: isAtEnd, into: output.space)
        }
    }

    /// Passes over the first bytes.
    func skip(_ count: Int64) throws {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { room.deallocate() }
        var left = count
        while left > 0 {
            let part = UnsafeMutableRawBufferPointer(rebasing: room[..<Int(min(left, Int64(room.count)))])
            let count = try read(into: part)
            guard count > 0 else { return }
            left -= Int64(count)
        }
    }
}
