/// One member's header of an archive that this program writes or reads (GNU tar manual, "Basic Tar Format").
struct TarMember {
    static let block = 512

    enum Kind: UInt8 {
        case regular = 0x30  // "0"
        case hardLink, symbolicLink, characterDevice, blockDevice, directory, fifo
    }

    /// Bytes as they are, which need not be UTF-8.
    var name: [UInt8]
    var kind = Kind.regular
    var link: [UInt8] = []
    var size: Int64 = 0
    var mode: UInt32 = 0o644
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    /// Seconds since 1970.
    var modified: Int64 = 0
    var device: (major: UInt32, minor: UInt32) = (0, 0)
    /// Where data lies in a file with holes, and how large the whole is; nil for one without.
    var holes: (fragments: [(offset: Int64, length: Int64)], size: Int64)?

    init(name: [UInt8]) { self.name = name }

    // MARK: - Writing

    /// With GNU's long names before it where they do not fit.
    func header() -> [UInt8] {
        var bytes: [UInt8] = []
        for (type, text) in [(UInt8(ascii: "L"), name), (UInt8(ascii: "K"), link)] where text.count > 100 {
            var long = TarMember(name: Array("././@LongLink".utf8))
            long.size = Int64(text.count + 1)
            bytes += long.block(type: type)
            bytes += text + [UInt8](repeating: 0, count: Self.block - text.count % Self.block)
        }
        return bytes + block(type: kind.rawValue)
    }

    private func block(type: UInt8) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.block)
        func put(_ text: some Collection<UInt8>, _ offset: Int) {
            bytes.replaceSubrange(offset..<offset + text.count, with: text)
        }
        put(name.prefix(100), 0)
        put(Self.number(Int64(mode), 7), 100)
        put(Self.number(Int64(uid), 7), 108)
        put(Self.number(Int64(gid), 7), 116)
        put(Self.number(size, 11), 124)
        put(Self.number(modified, 11), 136)
        put("        ".utf8, 148)
        bytes[156] = type
        put(link.prefix(100), 157)
        put("ustar  \0".utf8, 257)
        put(Self.number(Int64(device.major), 7), 329)
        put(Self.number(Int64(device.minor), 7), 337)
        let sum = bytes.reduce(0) { $0 + Int($1) }
        put(Self.number(Int64(sum), 6), 148)
        bytes[154] = 0
        return bytes
    }

    /// Octal digits, base-256 where they do not suffice.
    private static func number(_ value: Int64, _ digits: Int) -> [UInt8] {
        if value >= 0, value < 1 << (3 * Int64(digits)) {
            var text = [UInt8](repeating: 0x30, count: digits)
            var rest = value
            for position in (0..<digits).reversed() {
                text[position] += UInt8(truncatingIfNeeded: rest & 7)
                rest >>= 3
            }
            return text
        }
        let width = digits + 1
        return (0..<width).map { position in
            let shift = 8 * Int64(width - 1 - position)
            let byte = UInt8(truncatingIfNeeded: shift > 63 ? (value < 0 ? -1 : 0) : value >> shift)
            return position == 0 ? byte | 0x80 : byte
        }
    }
}

/// Takes an archive apart as it comes: ustar, PAX and GNU's formats, and PAX sparse files of format 1.0.
struct TarParser {
    /// The next bytes of the stream; empty at its end.
    private let source: () throws -> [UInt8]
    private var piece: [UInt8] = []
    private var offset = 0
    /// Bytes of the archive so far.
    private(set) var position: Int64 = 0
    /// Of the member's data.
    private var left: Int64 = 0
    private var padding = 0

    private static let headerLimit: Int64 = 8 << 20

    init(_ source: @escaping () throws -> [UInt8]) { self.source = source }

    /// - Returns: nil at the end of the archive
    mutating func next() throws -> TarMember? {
        while try !nextData().isEmpty {}
        _ = try bytes(padding)
        padding = 0
        var records: [String: [UInt8]] = [:]
        var (longName, longLink): ([UInt8]?, [UInt8]?) = (nil, nil)
        while true {
            guard let header = try block(), header.contains(where: { $0 != 0 }) else { return nil }
            let size = Self.number(header[124..<136])
            guard size >= 0 else { throw Self.malformed }
            switch header[156] {
            case UInt8(ascii: "x"): try Self.parse(try content(size), into: &records)
            case UInt8(ascii: "g"): _ = try content(size)
            case UInt8(ascii: "L"): longName = try content(size).prefix { $0 != 0 }.map { $0 }
            case UInt8(ascii: "K"): longLink = try content(size).prefix { $0 != 0 }.map { $0 }
            default:
                var member = try Self.member(header)
                if let longName { member.name = longName }
                if let longLink { member.link = longLink }
                try apply(records, to: &member)
                return member
            }
        }
    }

    /// The next piece of the member's data; empty at its end.
    mutating func nextData() throws -> ArraySlice<UInt8> {
        guard left > 0 else { return [] }
        try refill()
        let count = Int(min(left, Int64(piece.count - offset)))
        defer {
            offset += count
            left -= Int64(count)
            position += Int64(count)
        }
        return piece[offset..<offset + count]
    }

    /// Reads what is behind the archive's end.
    mutating func drain() throws {
        position += Int64(piece.count - offset)
        while true {
            let more = try source()
            if more.isEmpty { return }
            position += Int64(more.count)
        }
    }

    // MARK: - Headers

    private static var malformed: CommandError { CommandError(.daemon, "the daemon sent no valid archive") }

    private static func member(_ header: [UInt8]) throws -> TarMember {
        func text(_ range: Range<Int>) -> [UInt8] { header[range].prefix { $0 != 0 }.map { $0 } }
        var member = TarMember(name: text(0..<100))
        let prefix = header[257..<263].elementsEqual("ustar\0".utf8) ? text(345..<500) : []
        if !prefix.isEmpty { member.name = prefix + [UInt8(ascii: "/")] + member.name }
        member.link = text(157..<257)
        let type = header[156] == 0 || header[156] == UInt8(ascii: "7") ? UInt8(ascii: "0") : header[156]
        guard let kind = TarMember.Kind(rawValue: type) else {
            throw CommandError(
                .daemon, "the archive has a member of type \(type), which this program cannot make")
        }
        member.kind = kind
        member.mode = UInt32(truncatingIfNeeded: number(header[100..<108])) & 0o7777
        member.uid = UInt32(truncatingIfNeeded: number(header[108..<116]))
        member.gid = UInt32(truncatingIfNeeded: number(header[116..<124]))
        member.size = kind == .regular ? number(header[124..<136]) : 0
        member.modified = number(header[136..<148])
        member.device = (
            UInt32(truncatingIfNeeded: number(header[329..<337])),
            UInt32(truncatingIfNeeded: number(header[337..<345]))
        )
        return member
    }

    private mutating func apply(_ records: [String: [UInt8]], to member: inout TarMember) throws {
        func number(_ key: String) -> Int64? {
            records[key].flatMap { Int64(String(decoding: $0.prefix { $0 != 0x2E }, as: UTF8.self)) }
        }
        if let name = records["GNU.sparse.name"] ?? records["path"] { member.name = name }
        if let link = records["linkpath"] { member.link = link }
        if let uid = number("uid") { member.uid = UInt32(truncatingIfNeeded: uid) }
        if let gid = number("gid") { member.gid = UInt32(truncatingIfNeeded: gid) }
        if let time = number("mtime") { member.modified = time }
        guard member.kind == .regular else { return }
        if let size = number("size") { member.size = size }
        guard member.size >= 0 else { throw Self.malformed }
        left = member.size
        padding = Int((512 - member.size % 512) % 512)
        if number("GNU.sparse.major") == 1, let size = number("GNU.sparse.realsize") {
            member.holes = (try sparseMap(size), size)
        }
    }

    /// Decimal lines before the data, padded to whole blocks.
    private mutating func sparseMap(_ size: Int64) throws -> [(offset: Int64, length: Int64)] {
        var numbers: [Int64] = []
        var digits: [UInt8] = []
        var expected = 1
        while numbers.count < expected {
            guard left >= 512, let block = try block() else { throw Self.malformed }
            left -= 512
            for byte in block where numbers.count < expected {
                guard byte == 0x0A else {
                    digits.append(byte)
                    continue
                }
                guard let number = Int64(String(decoding: digits, as: UTF8.self)), number >= 0,
                    number <= size,
                    numbers.count > 0 || number <= 1 << 20
                else { throw Self.malformed }
                digits = []
                numbers.append(number)
                if numbers.count == 1 { expected = 1 + 2 * Int(number) }
            }
        }
        return stride(from: 1, to: numbers.count, by: 2).map { (numbers[$0], numbers[$0 + 1]) }
    }

    /// Records of the form `length key=value\n`.
    private static func parse(_ bytes: [UInt8], into records: inout [String: [UInt8]]) throws {
        var position = 0
        while position < bytes.count {
            guard let space = bytes[position...].firstIndex(of: 0x20),
                let length = Int(String(decoding: bytes[position..<space], as: UTF8.self)), length > 0,
                length <= bytes.count - position, space + 1 < position + length - 1,
                let equals = bytes[(space + 1)..<(position + length - 1)].firstIndex(of: UInt8(ascii: "="))
            else { throw malformed }
            let key = String(decoding: bytes[(space + 1)..<equals], as: UTF8.self)
            records[key] = Array(bytes[(equals + 1)..<(position + length - 1)])
            position += length
        }
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int64 {
        if let first = field.first, first & 0x80 != 0 {
            var value: Int64 = first & 0x40 != 0 ? -1 : 0
            for (index, byte) in field.enumerated() {
                value = value << 8 | Int64(index == 0 && value == 0 ? byte & 0x7F : byte)
            }
            return value
        }
        var value: Int64 = 0
        for byte in field where (0x30...0x37).contains(byte) {
            value = value << 3 | Int64(byte - 0x30)
        }
        return value
    }

    // MARK: - Bytes

    private mutating func refill() throws {
        guard offset == piece.count else { return }
        piece = try source()
        offset = 0
        guard !piece.isEmpty else {
            throw CommandError(.daemon, "the archive ended in the middle: the daemon could not read on")
        }
    }

    private mutating func bytes(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            try refill()
            let step = min(count - bytes.count, piece.count - offset)
            bytes += piece[offset..<offset + step]
            offset += step
            position += Int64(step)
        }
        return bytes
    }

    /// - Returns: nil at the end of the stream
    private mutating func block() throws -> [UInt8]? {
        if offset == piece.count {
            piece = try source()
            offset = 0
            if piece.isEmpty { return nil }
        }
        return try bytes(TarMember.block)
    }

    private mutating func content(_ size: Int64) throws -> [UInt8] {
        guard size <= Self.headerLimit else { throw Self.malformed }
        let content = try bytes(Int(size))
        _ = try bytes(Int((512 - size % 512) % 512))
        return content
    }
}
