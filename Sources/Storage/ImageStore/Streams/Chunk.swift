import Synchronization

/// A block of memory that travels from stage to stage of a pipeline; one stage owns it at a time.
final class Chunk: @unchecked Sendable {
    /// Bytes of a full chunk: small enough to stay in the cache between two stages, a multiple of tar's block.
    static let capacity = 256 << 10

    let base: UnsafeMutableRawPointer
    /// How many bytes are filled.
    var count = 0

    init() { base = .allocate(byteCount: Self.capacity, alignment: 64) }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// The part that is still free.
    var space: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base + count, count: Self.capacity - count)
    }

    var isFull: Bool { count == Self.capacity }
}

/// Chunks that were used before, so that a long stream allocates only as many as are in flight.
final class ChunkPool: Sendable {
    private let free = Mutex<[Chunk]>([])

    func take() -> Chunk {
        let chunk = free.withLock { $0.popLast() } ?? Chunk()
        chunk.count = 0
        return chunk
    }

    func give(_ chunk: Chunk) { free.withLock { $0.append(chunk) } }
}
