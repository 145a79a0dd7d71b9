import CZstd
import Glibc
import LinuxKernel
import OCIModel

/// How to make a layer's tar archive again, byte for byte, from its unpacked files: the archive with the content of
/// every regular file replaced by the file's path. A layer that came uncompressed is kept in this form only.
///
/// The format, inside one zstd stream: a version byte, then records, each a tag byte, a length (4 bytes, little
/// endian) and a payload. Literal: the bytes. File: 8 bytes size, then the path. Displaced: 4 bytes number, then the
/// path of something that a later entry replaced; it is now `displaced/<number>`. End: nothing.
enum LayerRecipe {
    static let version: UInt8 = 1

    enum Tag: UInt8 {
        case end, literal, file, displaced

        /// Bytes of the number that a payload begins with.
        var numberWidth: Int {
            switch self {
            case .end, .literal: 0
            case .file: 8
            case .displaced: 4
            }
        }
    }

    static let fileName = "recipe.zst"
    static let displacedFolder = "displaced"
    static let contentFolder = "diff"
}

/// Writes a recipe while the layer is unpacked.
final class LayerRecipeWriter {
    private let target: Descriptor
    private let stream: OpaquePointer
    private let output: UnsafeMutableRawBufferPointer
    private let input: UnsafeMutableRawBufferPointer
    private var filled = 0
    /// Where the open literal record's length goes; nil where the last record is no literal.
    private var literalStart: Int?

    private static let inputSize = 128 << 10

    init(_ path: String) throws {
        target = try openFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        guard let stream = ZSTD_createCStream() else { throw ImageError(.exhausted, "no memory for zstd") }
        self.stream = stream
        ZSTD_initCStream(stream, 1)
        output = .allocate(byteCount: ZSTD_CStreamOutSize(), alignment: 64)
        input = .allocate(byteCount: Self.inputSize, alignment: 64)
        input[0] = LayerRecipe.version
        filled = 1
    }

    deinit {
        ZSTD_freeCStream(stream)
        output.deallocate()
        input.deallocate()
    }

    func literal(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            if filled + 64 > Self.inputSize { try flush() }
            if literalStart == nil {
                literalStart = filled
                input[filled] = LayerRecipe.Tag.literal.rawValue
                filled += 5
            }
            let count = min(rest.count, Self.inputSize - filled)
            (input.baseAddress! + filled).copyMemory(from: rest.baseAddress!, byteCount: count)
            filled += count
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// - Parameter path: the normalized path in the layer, without a null byte
    func file(_ path: ArraySlice<UInt8>, size: Int64) throws {
        try record(.file, path, number: UInt64(size))
    }

    func displaced(_ path: ArraySlice<UInt8>, as number: Int) throws {
        try record(.displaced, path, number: UInt64(number))
    }

    func finish() throws {
        try record(.end, [], number: 0)
        try compress(ZSTD_e_end)
    }

    private func record(_ tag: LayerRecipe.Tag, _ path: ArraySlice<UInt8>, number: UInt64) throws {
        let width = tag.numberWidth
        closeLiteral()
        if filled + 5 + width + path.count > Self.inputSize { try flush() }
        input[filled] = tag.rawValue
        put(UInt64(width + path.count), at: filled + 1, width: 4)
        put(number, at: filled + 5, width: width)
        filled += 5 + width
        path.withUnsafeBytes { path in
            if let base = path.baseAddress {
                (input.baseAddress! + filled).copyMemory(from: base, byteCount: path.count)
            }
        }
        filled += path.count
    }

    private func put(_ number: UInt64, at position: Int, width: Int) {
        for index in 0..<width { input[position + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
    }

    private func closeLiteral() {
        guard let start = literalStart else { return }
        put(UInt64(filled - start - 5), at: start + 1, width: 4)
        literalStart = nil
    }

    private func flush() throws {
        closeLiteral()
        try compress(ZSTD_e_continue)
    }

    private func compress(_ directive: ZSTD_EndDirective) throws {
        var from = ZSTD_inBuffer(src: input.baseAddress, size: filled, pos: 0)
        var left = 0
        repeat {
            var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
            left = ZSTD_compressStream2(stream, &to, &from, directive)
            if ZSTD_isError(left) != 0 {
                throw ImageError(.internal, "zstd failed to compress a layer's recipe")
            }
            try target.writeAll(UnsafeRawBufferPointer(rebasing: output[..<to.pos]))
        } while from.pos < from.size || (directive == ZSTD_e_end && left > 0)
        filled = 0
    }
}

extension Descriptor {
    /// Writes every byte, over as many calls as it takes.
    borrowing func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemCallError) {
        var offset = 0
        let raw = rawValue
        while offset < bytes.count {
            offset += try systemCall("write") {
                write(raw, bytes.baseAddress! + offset, bytes.count - offset)
            }
        }
    }
}
