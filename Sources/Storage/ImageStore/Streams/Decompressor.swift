import CISAL
import CZstd

/// How content is compressed, told by its first bytes.
package enum Compression: String, Sendable, Codable {
    case none, gzip, zstd

    /// Recognizes what the store can read. Others that people use are named, so that the error can name them.
    static func detect(_ start: UnsafeRawBufferPointer) throws -> Compression {
        func begins(_ magic: [UInt8]) -> Bool { start.count >= magic.count && start.starts(with: magic) }
        if begins([0x1F, 0x8B]) { return .gzip }
        if begins([0x28, 0xB5, 0x2F, 0xFD]) { return .zstd }
        // A skippable frame, as zstd:chunked and pzstd write them first.
        if start.count >= 4, start[0] & 0xF0 == 0x50, start[1...3].elementsEqual([0x2A, 0x4D, 0x18]) {
            return .zstd
        }
        for (magic, name) in unsupported where begins(magic) {
            throw ImageError(.unsupported, "\(name) compression is not supported: decompress it first")
        }
        return .none
    }

    private static let unsupported: [([UInt8], String)] = [
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz"), ([0x42, 0x5A, 0x68], "bzip2"),
        ([0x04, 0x22, 0x4D, 0x18], "lz4"),
    ]
}

/// Turns compressed pieces into plain ones.
protocol Decompressor: AnyObject {
    /// Consumes from the front of `input` and fills a prefix of `output`. At the end of all input it is called with
    /// none until it returns 0.
    /// - Returns: how many bytes were written
    func decompress(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws
        -> Int

    /// Whether the input so far ends where a member or frame does.
    var isComplete: Bool { get }
}

func makeDecompressor(_ compression: Compression) throws -> (any Decompressor)? {
    switch compression {
    case .none: nil
    case .gzip: GzipDecompressor()
    case .zstd: try ZstdDecompressor()
    }
}

/// RFC 1952, any number of members.
final class GzipDecompressor: Decompressor {
    private let state: UnsafeMutablePointer<inflate_state>
    private var isBetweenMembers = true
    private var hasMember = false

    init() {
        state = .allocate(capacity: 1)
        isal_inflate_init(state)
        state.pointee.crc_flag = UInt32(ISAL_GZIP)
    }

    deinit { state.deallocate() }

    var isComplete: Bool { isBetweenMembers && hasMember }

    func decompress(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        if isBetweenMembers {
            // Tools pad archives with zeros.
            if hasMember {
                input = UnsafeRawBufferPointer(rebasing: input.drop { $0 == 0 })
            }
            guard !input.isEmpty else { return 0 }
            isal_inflate_reset(state)
            state.pointee.crc_flag = UInt32(ISAL_GZIP)
            (isBetweenMembers, hasMember) = (false, true)
        }
        state.pointee.next_in = UnsafeMutablePointer(
            mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
        state.pointee.avail_in = UInt32(input.count)
        state.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        state.pointee.avail_out = UInt32(output.count)
        let result = isal_inflate(state)
        guard result == ISAL_DECOMP_OK || result == ISAL_END_INPUT else {
            throw ImageError(.corruptedArchive, "invalid gzip data (code \(result))")
        }
        input = UnsafeRawBufferPointer(rebasing: input[(input.count - Int(state.pointee.avail_in))...])
        if state.pointee.block_state == ISAL_BLOCK_FINISH { isBetweenMembers = true }
        return output.count - Int(state.pointee.avail_out)
    }
}

/// RFC 8878, any number of frames.
final class ZstdDecompressor: Decompressor {
    private let stream: OpaquePointer
    private(set) var isComplete = false

    init() throws {
        guard let stream = ZSTD_createDStream() else { throw ImageError(.exhausted, "no memory for zstd") }
        self.stream = stream
    }

    deinit { ZSTD_freeDStream(stream) }

    func decompress(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        if isComplete, input.isEmpty { return 0 }
        var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        repeat {
            let result = ZSTD_decompressStream(stream, &to, &from)
            if ZSTD_isError(result) != 0 {
                throw ImageError(
                    .corruptedArchive, "invalid zstd data: \(String(cString: ZSTD_getErrorName(result)))")
            }
            isComplete = result == 0
        } while from.pos < from.size && to.pos < to.size
        input = UnsafeRawBufferPointer(rebasing: input[from.pos...])
        return to.pos
    }
}
