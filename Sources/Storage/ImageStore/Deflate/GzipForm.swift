import CZstd
import Glibc
import LinuxKernel
import OCIModel

/// How to compress a layer's archive again to the very bytes that it came in, whoever compressed them (decision 0024).
///
/// A file beside the layer's recipe: magic, the blob's digest (32 bytes) and size (8 bytes, little endian), then a zstd frame
/// with the description: what stands before and behind the compressed data, the codes of each block as they are, and
/// wherever the compressor did something else than `MatchPredictor` expects, what.
struct GzipForm {
    static let fileName = "form.zst"
    static let magic = Array("skiffgz1".utf8)
    private static let headSize = 8 + 32 + 8
    /// Largest description that is kept in memory, in bytes.
    static let limit = 32 << 20

    let digest: Digest
    let size: Int64
    let description: [UInt8]

    init(digest: Digest, size: Int64, description: [UInt8]) {
        self.digest = digest
        self.size = size
        self.description = description
    }

    /// Parts of a description.
    enum Mark {
        static let stored = 0
        static let fixed = 1
        static let dynamic = 2
        static let last = 4
        /// After so many right predictions: the block ends, a literal comes, or a match of another length.
        static let blockEnd = 0
        static let literal = 1
        // Others are a match's length, followed by its distance.
    }

    /// Writes it durably enough for a store that syncs its layers as a whole.
    /// - Returns: how many bytes the file has
    func write(to path: String) throws -> Int {
        var packed = [UInt8](repeating: 0, count: ZSTD_compressBound(description.count))
        let count = ZSTD_compress(&packed, packed.count, description, description.count, 3)
        guard ZSTD_isError(count) == 0 else {
            throw ImageError(.internal, "zstd failed to compress a layer's form")
        }
        var head = Self.magic
        head += digest.hex.utf8.fromHexadecimal
        for shift in stride(from: 0, to: 64, by: 8) {
            head.append(UInt8(truncatingIfNeeded: size >> Int64(shift)))
        }
        let file = try openFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try (head + packed[..<count]).withUnsafeBytes { try file.writeAll($0) }
        return head.count + count
    }

    /// What a layer's folder has, without the description.
    /// - Returns: nil where there is none
    static func descriptor(in folder: String) throws -> (digest: Digest, size: Int64)? {
        let path = "\(folder)/\(fileName)"
        guard fileExists(path) else { return nil }
        let file = try openFile(path, O_RDONLY | O_NOFOLLOW)
        var head = [UInt8](repeating: 0, count: headSize)
        let raw = file.rawValue
        let count = try systemCall("read", path) { read(raw, &head, headSize) }
        guard count == headSize, let found = parse(head) else { throw damaged(path) }
        return found
    }

    init(readingFrom folder: String) throws {
        let path = "\(folder)/\(Self.fileName)"
        let content = try readFile(path)
        guard content.count > Self.headSize, let head = Self.parse(Array(content[..<Self.headSize])) else {
            throw Self.damaged(path)
        }
        let packed = Array(content[Self.headSize...])
        let size = ZSTD_getFrameContentSize(packed, packed.count)
        guard size <= UInt64(Self.limit) else { throw Self.damaged(path) }
        var description = [UInt8](repeating: 0, count: Int(size))
        let count = ZSTD_decompress(&description, description.count, packed, packed.count)
        guard ZSTD_isError(count) == 0, count == description.count else { throw Self.damaged(path) }
        self.init(digest: head.digest, size: head.size, description: description)
    }

    private static func parse(_ head: [UInt8]) -> (digest: Digest, size: Int64)? {
        guard head.count == headSize, head.starts(with: magic) else { return nil }
        let hex = head[8..<40].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let size = head[40...].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
        return Digest(algorithm: .sha256, hex: hex).map { ($0, size) }
    }

    static func damaged(_ path: String) -> ImageError {
        ImageError(.corruptedStore, "\(path) is damaged: the layer cannot be compressed again as it was")
    }
}

extension Sequence<UInt8> {
    /// The bytes that these hexadecimal digits stand for.
    fileprivate var fromHexadecimal: [UInt8] {
        var result: [UInt8] = []
        var high: UInt8?
        for digit in self {
            let value = UInt8(String(UnicodeScalar(digit)), radix: 16) ?? 0
            if let first = high {
                result.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return result
    }
}
