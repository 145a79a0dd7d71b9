/// Writes the members of a tar archive: ustar headers, with PAX records where a value does not fit them, and GNU's PAX
/// format 1.0 for sparse files. Bytes are gathered, so that the sink gets large pieces.
final class TarEntryWriter {
    private let sink: any ByteSink
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 512 << 10, alignment: 4096)
    private var filled = 0
    private var records: [UInt8] = []
    /// Data of the current member that is still to come, and of the padding behind it.
    private(set) var remaining: Int64 = 0
    private var padding = 0

    init(_ sink: any ByteSink) { self.sink = sink }

    deinit { buffer.deallocate() }

    // MARK: - Members

    /// Begins a member. `entry.storedSize` bytes of data have to follow; where `entry.fragments` is set, they are
    /// those of the fragments.
    func begin(_ entry: TarEntry) throws {
        try finishMember()
        records.removeAll(keepingCapacity: true)
        let map = entry.fragments.map { Self.map($0, size: entry.size) } ?? []
        var header = Header(entry)
        header.size = entry.storedSize + Int64(map.count)
        if entry.fragments != nil {
            record("GNU.sparse.major", Array("1".utf8))
            record("GNU.sparse.minor", Array("0".utf8))
            record("GNU.sparse.name", entry.name)
            record("GNU.sparse.realsize", Array(String(entry.size).utf8))
            header.name = Self.bounded("GNUSparseFile.0/", entry.name)
        } else if header.splitName() == false {
            record("path", entry.name)
        }
        addRecords(entry, size: header.size)
        if !records.isEmpty { try writeRecords(named: entry.name) }
        try block { header.write(to: $0) }
        remaining = header.size
        padding = Int((512 - header.size % 512) % 512)
        try map.withUnsafeBytes { try append($0) }
    }

    private func addRecords(_ entry: TarEntry, size: Int64) {
        if entry.linkName.count > 100 { record("linkpath", entry.linkName) }
        if size >= Header.sizeLimit { record("size", Array(String(size).utf8)) }
        if entry.uid > Header.ownerLimit { record("uid", Array(String(entry.uid).utf8)) }
        if entry.gid > Header.ownerLimit { record("gid", Array(String(entry.gid).utf8)) }
        if entry.modifiedNanoseconds != 0 || !(0..<Header.sizeLimit).contains(entry.modifiedSeconds) {
            record("mtime", Self.time(entry.modifiedSeconds, entry.modifiedNanoseconds))
        }
        for attribute in entry.extendedAttributes {
            record(Array("SCHILY.xattr.".utf8) + attribute.name, attribute.value)
        }
    }

    /// Memory for the next bytes of the member's data, at most as many as remain; `advance` tells how many came.
    func space() throws -> UnsafeMutableRawBufferPointer {
        if filled == buffer.count { try flush() }
        let count = min(remaining, Int64(buffer.count - filled))
        return UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + Int(count)])
    }

    func advance(_ count: Int) {
        filled += count
        remaining -= Int64(count)
    }

    private func append(_ bytes: UnsafeRawBufferPointer) throws {
        var bytes = bytes
        while !bytes.isEmpty {
            let space = try space()
            let count = min(space.count, bytes.count)
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            advance(count)
            bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
        }
    }

    /// Ends the current member; data that did not come is zeros, as where a file became shorter while it was read.
    func finishMember() throws {
        remaining += Int64(padding)
        padding = 0
        while remaining > 0 {
            let space = try space()
            space.initializeMemory(as: UInt8.self, repeating: 0)
            advance(space.count)
        }
    }

    /// The end of the archive: two empty blocks.
    func finish() throws {
        try finishMember()
        remaining = 1024
        try finishMember()
        try flush()
    }

    private func flush() throws {
        guard filled > 0 else { return }
        try sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
        filled = 0
    }

    private func block(_ fill: (UnsafeMutableRawBufferPointer) -> Void) throws {
        if buffer.count - filled < TarReader.blockSize { try flush() }
        let block = UnsafeMutableRawBufferPointer(
            rebasing: buffer[filled..<filled + TarReader.blockSize])
        block.initializeMemory(as: UInt8.self, repeating: 0)
        fill(block)
        filled += TarReader.blockSize
    }

    // MARK: - Extended headers

    private func writeRecords(named name: [UInt8]) throws {
        guard records.count <= TarLimits.header else {
            let shown = String(decoding: name, as: UTF8.self)
            throw ImageError(
                .unsupported, "the extended attributes of \"\(shown)\" take more than an archive can hold")
        }
        var entry = TarEntry()
        entry.mode = 0o644
        var header = Header(entry)
        header.type = UInt8(ascii: "x")
        header.name = Self.bounded("PaxHeaders.0/", name)
        header.size = Int64(records.count)
        try block { header.write(to: $0) }
        remaining = header.size
        padding = Int((512 - header.size % 512) % 512)
        try records.withUnsafeBytes { try append($0) }
        try finishMember()
    }

    private func record(_ key: String, _ value: [UInt8]) { record(Array(key.utf8), value) }

    /// `length key=value\n`, the length counting itself.
    private func record(_ key: [UInt8], _ value: [UInt8]) {
        let rest = key.count + value.count + 3
        var length = rest + 1
        while rest + String(length).utf8.count != length { length = rest + String(length).utf8.count }
        records += Array(String(length).utf8)
        records.append(0x20)
        records += key
        records.append(UInt8(ascii: "="))
        records += value
        records.append(0x0A)
    }

    /// A name that only old programs see.
    private static func bounded(_ prefix: String, _ name: [UInt8]) -> ArraySlice<UInt8> {
        let components = name.split(separator: UInt8(ascii: "/"))
        return (Array(prefix.utf8) + (components.last ?? [])).prefix(100)
    }

    private static func time(_ seconds: Int64, _ nanoseconds: Int) -> [UInt8] {
        guard nanoseconds != 0 else { return Array(String(seconds).utf8) }
        let isNegative = seconds < 0
        let whole = isNegative ? -(seconds + 1) : seconds
        let digits = String(isNegative ? 1_000_000_000 - nanoseconds : nanoseconds)
        let zeros = String(repeating: "0", count: max(0, 9 - digits.utf8.count))
        return Array("\(isNegative ? "-" : "")\(whole).\(zeros)\(digits)".utf8)
    }

    /// The map of a sparse file: decimal lines, padded to whole blocks. A hole at the end gets an empty fragment.
    private static func map(_ fragments: [TarEntry.Fragment], size: Int64) -> [UInt8] {
        var fragments = fragments
        if (fragments.last.map { $0.offset + $0.length } ?? 0) < size {
            fragments.append(TarEntry.Fragment(offset: size, length: 0))
        }
        var text = "\(fragments.count)\n"
        for fragment in fragments { text += "\(fragment.offset)\n\(fragment.length)\n" }
        let bytes = Array(text.utf8)
        return bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    /// The fields of a ustar header (POSIX pax, "ustar Interchange Format").
    private struct Header {
        static let sizeLimit: Int64 = 1 << 33
        static let ownerLimit: UInt32 = 0o7_777_777

        var type: UInt8
        var name: ArraySlice<UInt8>
        var prefix: ArraySlice<UInt8> = []
        var size: Int64 = 0
        private let link: ArraySlice<UInt8>
        private let mode: UInt32
        private let uid: UInt32
        private let gid: UInt32
        private let modified: Int64
        private let device: (major: UInt32, minor: UInt32)

        init(_ entry: TarEntry) {
            type = entry.kind.rawValue
            name = entry.name[...]
            link = entry.linkName.prefix(100)
            mode = entry.mode
            uid = min(entry.uid, Self.ownerLimit)
            gid = min(entry.gid, Self.ownerLimit)
            modified = min(max(entry.modifiedSeconds, 0), Self.sizeLimit - 1)
            device = (entry.deviceMajor, entry.deviceMinor)
        }

        /// Divides a long name at a slash.
        /// - Returns: whether it fits; else it is cut
        mutating func splitName() -> Bool {
            if name.count <= 100 { return true }
            // The rest must not be empty: a directory's name ends in a slash.
            let from = max(name.startIndex, name.endIndex - 101)
            if let slash = name[from..<name.endIndex - 1].firstIndex(of: UInt8(ascii: "/")),
                slash > name.startIndex, slash - name.startIndex <= 155
            {
                prefix = name[..<slash]
                name = name[(slash + 1)...]
                return true
            }
            name = name.suffix(100)
            return false
        }

        func write(to block: UnsafeMutableRawBufferPointer) {
            func put(_ bytes: some Sequence<UInt8>, _ offset: Int) {
                var offset = offset
                for byte in bytes {
                    block[offset] = byte
                    offset += 1
                }
            }
            func octal(_ number: Int64, _ offset: Int, _ digits: Int) {
                var rest = number
                for position in (offset..<offset + digits).reversed() {
                    block[position] = UInt8(truncatingIfNeeded: 0x30 + rest & 7)
                    rest >>= 3
                }
            }
            put(name, 0)
            octal(Int64(mode), 100, 7)
            octal(Int64(uid), 108, 7)
            octal(Int64(gid), 116, 7)
            octal(min(size, Self.sizeLimit - 1), 124, 11)
            octal(modified, 136, 11)
            block[156] = type
            put(link, 157)
            put("ustar\u{0}00".utf8, 257)
            octal(Int64(device.major), 329, 7)
            octal(Int64(device.minor), 337, 7)
            put(prefix, 345)
            for index in 148..<156 { block[index] = 0x20 }
            var sum: Int64 = 0
            for byte in block { sum += Int64(byte) }
            octal(sum, 148, 6)
            block[154] = 0
        }
    }
}
