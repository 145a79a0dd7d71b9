/// A stream of bytes as pieces of memory that the reader need not copy.
protocol SpanSource: AnyObject {
    /// The next piece, valid until the next call; empty at the end.
    func nextSpan() throws -> UnsafeRawBufferPointer
}

/// The chunks of a queue, given back to their pool after use.
final class QueueSpanSource: SpanSource {
    private let queue: ChunkQueue
    private let pool: ChunkPool
    private var current: Chunk?

    init(queue: ChunkQueue, pool: ChunkPool) {
        self.queue = queue
        self.pool = pool
    }

    func nextSpan() throws -> UnsafeRawBufferPointer {
        if let current { pool.give(current) }
        current = nil
        while let chunk = try queue.pop() {
            if chunk.count > 0 {
                current = chunk
                return chunk.bytes
            }
            pool.give(chunk)
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }
}

/// A `ByteSource` read chunk by chunk.
final class ReadingSpanSource: SpanSource {
    private let source: any ByteSource
    private let chunk = Chunk()
    private var isAtEnd = false

    init(_ source: any ByteSource) { self.source = source }

    /// Fills whole chunks: a pipe gives 64 KiB at a time, which would make every later stage work in small pieces.
    func nextSpan() throws -> UnsafeRawBufferPointer {
        chunk.count = 0
        while !chunk.isFull, !isAtEnd {
            let count = try source.read(into: chunk.space)
            if count == 0 { isAtEnd = true }
            chunk.count += count
        }
        return chunk.bytes
    }
}

/// The plain content of a compressed stream.
final class DecompressingSpanSource: SpanSource {
    private let source: any SpanSource
    private let decompressor: any Decompressor
    private let chunk = Chunk()
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var isAtEnd = false

    init(_ source: any SpanSource, _ decompressor: any Decompressor) {
        self.source = source
        self.decompressor = decompressor
    }

    func nextSpan() throws -> UnsafeRawBufferPointer {
        chunk.count = 0
        try fill(chunk)
        return chunk.bytes
    }

    /// Fills the chunk unless the end comes first.
    /// - Throws: `ImageError` (`corruptedArchive`), also where the stream ends within a member
    func fill(_ chunk: Chunk) throws {
        while !chunk.isFull {
            if input.isEmpty, !isAtEnd {
                input = try source.nextSpan()
                isAtEnd = input.isEmpty
            }
            let count = try decompressor.decompress(&input, into: chunk.space)
            chunk.count += count
            if count == 0, isAtEnd, input.isEmpty { break }
        }
        if isAtEnd, chunk.count == 0, !decompressor.isComplete {
            throw ImageError(.corruptedArchive, "the compressed data is truncated")
        }
    }
}

/// A source whose first bytes were looked at already.
final class PrefixedSpanSource: SpanSource {
    private let first: UnsafeRawBufferPointer
    private let rest: any SpanSource
    private var isFirst = true

    /// - Parameter first: what `rest` returned last; still valid
    init(_ first: UnsafeRawBufferPointer, _ rest: any SpanSource) {
        self.first = first
        self.rest = rest
    }

    func nextSpan() throws -> UnsafeRawBufferPointer {
        guard isFirst, !first.isEmpty else { return try rest.nextSpan() }
        isFirst = false
        return first
    }
}
