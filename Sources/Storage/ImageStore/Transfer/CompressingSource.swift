import Glibc
import LinuxKernel
package import OCIModel

/// A layer's archive, made again from its recipe and compressed, for one reading thread.
package final class CompressingSource: ByteSource {
    private let queue = ChunkQueue(depth: 8)
    private let pool = ChunkPool()
    private let plain: QueueSpanSource
    private let compressor = GzipCompressor()
    private var thread: WorkerThread?
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var isAtEnd = false
    private var hash = ContentHash()
    /// Compressed bytes so far.
    package private(set) var size: Int64 = 0

    init(_ store: ImageStore, _ layer: LayerRecord) throws {
        plain = QueueSpanSource(queue: queue, pool: pool)
        let (queue, pool) = (queue, pool)
        thread = try WorkerThread {
            do {
                try store.readLayer(layer) { bytes in try Self.push(bytes, queue, pool) }
                queue.finish()
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

    private static func push(_ bytes: UnsafeRawBufferPointer, _ queue: ChunkQueue, _ pool: ChunkPool) throws {
        var rest = bytes
        while !rest.isEmpty {
            let chunk = pool.take()
            let count = min(rest.count, chunk.space.count)
            chunk.space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
            chunk.count = count
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            try queue.push(chunk)
        }
    }

    /// Of everything that was read so far.
    package var digest: Digest { hash.digest }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while !compressor.isFinished {
            if input.isEmpty, !isAtEnd {
                input = try plain.nextSpan()
                isAtEnd = input.isEmpty
            }
            let count = try compressor.compress(&input, isLast: isAtEnd, into: buffer)
            guard count > 0 else { continue }
            hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            size += Int64(count)
            return count
        }
        return 0
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
