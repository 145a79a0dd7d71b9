import CISAL

/// Compresses an archive in pieces.
protocol LayerCompressor: AnyObject {
    /// Consumes from the front of `input` and fills a prefix of `output`.
    /// - Parameter isLast: whether nothing comes behind `input`
    /// - Returns: how many bytes were written
    func compress(
        _ input: inout UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws -> Int

    /// Whether everything has been written.
    var isFinished: Bool { get }
}

/// Makes one gzip member (RFC 1952) without name or time: the same bytes give the same member, here and next year.
final class GzipCompressor: LayerCompressor {
    private let stream: UnsafeMutablePointer<isal_zstream>
    private let level: UnsafeMutablePointer<UInt8>
    /// ISA-L's `ISAL_DEF_LVL1_EXTRA_LARGE` is less; its macros do not reach Swift.
    private static let levelSize = 512 << 10

    init() {
        stream = .allocate(capacity: 1)
        level = .allocate(capacity: Self.levelSize)
        isal_deflate_init(stream)
        stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
        stream.pointee.level = 1
        stream.pointee.level_buf = level
        stream.pointee.level_buf_size = UInt32(Self.levelSize)
    }

    deinit {
        stream.deallocate()
        level.deallocate()
    }

    /// Whether the member is complete.
    var isFinished: Bool { stream.pointee.internal_state.state == ZSTATE_END }

    /// - Throws: `ImageError` (`internal`)
    func compress(
        _ input: inout UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        stream.pointee.end_of_stream = isLast ? 1 : 0
        let result = isal_deflate(stream)
        guard result == COMP_OK else { throw ImageError(.internal, "gzip failed (code \(result))") }
        input = UnsafeRawBufferPointer(rebasing: input[(input.count - Int(stream.pointee.avail_in))...])
        return output.count - Int(stream.pointee.avail_out)
    }
}
