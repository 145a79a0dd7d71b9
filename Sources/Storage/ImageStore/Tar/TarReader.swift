/// Reads a tar archive from a stream, member by member, without seeking: v7, ustar, PAX and GNU formats.
///
/// Headers are checked before they are believed; whatever an archive claims, memory stays within `TarLimits`.
final class TarReader {
    static let blockSize = 512

    private(set) var entry = TarEntry()
    /// Bytes of the stream that were consumed.
    private(set) var position: Int64 = 0

    private let source: any SpanSource
    private var span = UnsafeRawBufferPointer(start: nil, count: 0)
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: 64)
    /// Bytes of the entry's data that were not yet read, and of the padding behind it.
    private var remaining: Int64 = 0
    private var padding: Int64 = 0
    private var extended = TarExtendedHeader()
    /// Gets every byte of the stream but the data of members for which `recordsData` is false.
    private let recipe: LayerRecipeWriter?
    /// Whether the current member's data goes into the recipe too; false for each new member.
    var recordsData = false

    init(_ source: any SpanSource, recipe: LayerRecipeWriter? = nil) {
        self.source = source
        self.recipe = recipe
    }

    deinit { scratch.deallocate() }

    /// Moves on to the next member, passing over unread data of this one.
    /// - Returns: false at the end of the archive
    /// - Throws: `ImageError` (`corruptedArchive`), or what the source throws
    func next() throws -> Bool {
        while try !nextData().isEmpty {}
        try skip(padding)
        padding = 0
        recordsData = false
        extended.reset()
        while true {
            guard let header = try block(), !TarHeader.isEnd(header) else { return false }
            let raw = try TarHeader(header, at: position - Int64(Self.blockSize))
            switch raw.type {
            case UInt8(ascii: "x"):
                try extended.apply(records: try content(raw.size))
            case UInt8(ascii: "g"):
                _ = try content(raw.size)  // says nothing about a single file
            case UInt8(ascii: "L"):
                extended.longName = Self.untilNull(try content(raw.size))
            case UInt8(ascii: "K"):
                extended.longLink = Self.untilNull(try content(raw.size))
            default:
                try begin(raw, header)
                return true
            }
        }
    }

    /// The next piece of the member's stored data, valid until the next call; empty at its end.
    func nextData() throws -> UnsafeRawBufferPointer {
        guard remaining > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        try refill()
        let count = Int(min(remaining, Int64(span.count)))
        let piece = UnsafeRawBufferPointer(rebasing: span[..<count])
        if recordsData { try recipe?.literal(piece) }
        pass(count)
        remaining -= Int64(count)
        return piece
    }

    /// Reads what follows the end of the archive, so that who hashes the stream sees all of it.
    func drain() throws {
        repeat {
            try advance(span.count)
            span = try source.nextSpan()
        } while !span.isEmpty
    }

    /// All stored data of the member.
    /// - Throws: `ImageError` where it is larger than `limit`
    func allData(limit: Int64) throws -> [UInt8] {
        guard remaining <= limit else {
            throw ImageError(
                .corruptedArchive,
                "\"\(entry.displayName)\" is larger than \(limit) bytes: not a valid document")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(remaining))
        while remaining > 0 { bytes.append(contentsOf: try nextData()) }
        return bytes
    }

    /// Makes the member somebody's.
    func give(to uid: UInt32, _ gid: UInt32) { (entry.uid, entry.gid) = (uid, gid) }

    /// Makes the link's target a C string in place.
    func terminateLinkName() { entry.linkName.append(0) }

    // MARK: - Members

    private func begin(_ raw: TarHeader, _ header: UnsafeRawBufferPointer) throws {
        raw.fill(&entry, header)
        var sparse: [TarEntry.Fragment]?
        var sparseSize: Int64 = 0
        let isOldSparse = raw.type == UInt8(ascii: "S")
        if isOldSparse {
            (sparse, sparseSize) = try oldSparseMap(header)
        }
        try extended.apply(to: &entry)
        try entry.kind = raw.kind(name: entry.name)
        let hasData = entry.kind == .regular
        remaining = hasData ? entry.storedSize : 0
        guard remaining >= 0 else { throw Self.invalid("\"\(entry.displayName)\" has a negative size") }
        padding = (512 - remaining % 512) % 512
        entry.size = remaining
        guard hasData else { return }
        if isOldSparse {
            entry.size = sparseSize
        } else if extended.isSparse {
            sparse = try extended.sparseMajor == 1 ? sparseMapInData() : extended.fragments
            entry.size = extended.sparseSize ?? 0
        }
        entry.fragments = sparse
        if let sparse { try validate(sparse) }
    }

    private func validate(_ fragments: [TarEntry.Fragment]) throws {
        var end: Int64 = 0
        var stored: Int64 = 0
        for fragment in fragments {
            let (next, overflow) = fragment.offset.addingReportingOverflow(fragment.length)
            guard fragment.offset >= end, fragment.length >= 0, !overflow, next <= entry.size else {
                throw Self.invalid("\"\(entry.displayName)\" has an invalid sparse map")
            }
            end = next
            stored += fragment.length
        }
        guard stored == remaining else {
            throw Self.invalid("the sparse map of \"\(entry.displayName)\" does not fit its data")
        }
    }

    /// The map of GNU's old format: four fragments in the header, more in blocks behind it.
    private func oldSparseMap(
        _ header: UnsafeRawBufferPointer
    ) throws -> (map: [TarEntry.Fragment], size: Int64) {
        guard let size = TarNumber.parse(TarHeader.field(header, 483, 12)), size >= 0 else {
            throw Self.invalid("invalid size of a sparse file")
        }
        var fragments: [TarEntry.Fragment] = []
        func append(_ block: UnsafeRawBufferPointer, _ start: Int, _ count: Int) throws {
            for index in 0..<count {
                let at = start + 24 * index
                guard block[at] != 0 else { return }
                guard let offset = TarNumber.parse(TarHeader.field(block, at, 12)),
                    let length = TarNumber.parse(TarHeader.field(block, at + 12, 12))
                else { throw Self.invalid("invalid sparse map") }
                fragments.append(TarEntry.Fragment(offset: offset, length: length))
            }
        }
        try append(header, 386, 4)
        var more = header[482] != 0
        while more {
            guard let block = try block() else { throw Self.truncated }
            try append(block, 0, 21)
            guard fragments.count <= TarLimits.fragments else {
                throw Self.invalid("a sparse map is too large")
            }
            more = block[504] != 0
        }
        return (fragments, size)
    }

    /// The map of PAX sparse format 1.0: decimal lines before the data, padded to whole blocks.
    private func sparseMapInData() throws -> [TarEntry.Fragment] {
        var numbers: [Int64] = []
        var expected = 1
        var digits: [UInt8] = []
        while numbers.count < expected {
            guard remaining >= 512, let block = try block() else { throw Self.truncated }
            remaining -= 512
            for byte in block where numbers.count < expected {
                guard byte == 0x0A else {
                    digits.append(byte)
                    guard digits.count < 20 else { throw Self.invalid("invalid sparse map") }
                    continue
                }
                guard let number = TarNumber.decimal(digits), number >= 0 else {
                    throw Self.invalid("invalid sparse map")
                }
                digits.removeAll(keepingCapacity: true)
                numbers.append(number)
                if numbers.count == 1 {
                    guard number <= TarLimits.fragments else {
                        throw Self.invalid("a sparse map is too large")
                    }
                    expected = 1 + 2 * Int(number)
                }
            }
        }
        return stride(from: 1, to: numbers.count, by: 2).map {
            TarEntry.Fragment(offset: numbers[$0], length: numbers[$0 + 1])
        }
    }

    // MARK: - Bytes

    /// - Returns: whether there is anything left
    @discardableResult
    private func refillAtEnd() throws -> Bool {
        if span.isEmpty { span = try source.nextSpan() }
        return !span.isEmpty
    }

    private func refill() throws {
        guard try refillAtEnd() else { throw Self.truncated }
    }

    private func advance(_ count: Int) throws {
        if let recipe { try recipe.literal(UnsafeRawBufferPointer(rebasing: span[..<count])) }
        pass(count)
    }

    private func pass(_ count: Int) {
        span = UnsafeRawBufferPointer(rebasing: span[count...])
        position += Int64(count)
    }

    /// The next 512 bytes, valid until the next call; nil at the end of the stream.
    private func block() throws -> UnsafeRawBufferPointer? {
        guard try refillAtEnd() else { return nil }
        if span.count >= Self.blockSize {
            let block = UnsafeRawBufferPointer(rebasing: span[..<Self.blockSize])
            try advance(Self.blockSize)
            return block
        }
        var filled = 0
        while filled < Self.blockSize {
            try refill()
            let count = min(Self.blockSize - filled, span.count)
            UnsafeMutableRawBufferPointer(rebasing: scratch[filled..<filled + count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: span[..<count]))
            try advance(count)
            filled += count
        }
        return UnsafeRawBufferPointer(scratch)
    }

    private func skip(_ count: Int64) throws {
        var left = count
        while left > 0 {
            try refill()
            let step = Int(min(left, Int64(span.count)))
            try advance(step)
            left -= Int64(step)
        }
    }

    /// The data of a header-like member.
    private func content(_ size: Int64) throws -> [UInt8] {
        guard size >= 0, size <= TarLimits.header else {
            throw Self.invalid("an extended header claims \(size) bytes; the limit is \(TarLimits.header)")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(size))
        while bytes.count < size {
            try refill()
            let count = min(Int(size) - bytes.count, span.count)
            bytes.append(contentsOf: span[..<count])
            try advance(count)
        }
        try skip((512 - size % 512) % 512)
        return bytes
    }

    private static func untilNull(_ bytes: [UInt8]) -> [UInt8] { Array(bytes.prefix { $0 != 0 }) }

    static var truncated: ImageError { ImageError(.corruptedArchive, "the archive is truncated") }

    static func invalid(_ reason: String) -> ImageError {
        ImageError(.corruptedArchive, "invalid tar header: \(reason)")
    }
}
