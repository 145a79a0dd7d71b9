/// The fields of one header block, their numbers parsed and the checksum verified.
struct TarHeader {
    enum Format { case v7, ustar, star, gnu }

    let type: UInt8
    let size: Int64
    private let mode: UInt32
    private let uid: UInt32
    private let gid: UInt32
    private let modified: Int64
    private let major: UInt32
    private let minor: UInt32
    private let format: Format

    /// - Parameter position: of the block in the archive, for messages
    init(_ block: UnsafeRawBufferPointer, at position: Int64) throws {
        guard Self.hasValidChecksum(block) else {
            throw TarReader.invalid("wrong checksum at byte \(position)")
        }
        type = block[156]
        format = Self.format(of: block)
        func number(_ offset: Int, _ length: Int, _ name: String) throws -> Int64 {
            guard let value = TarNumber.parse(Self.field(block, offset, length)) else {
                throw TarReader.invalid("invalid \(name) at byte \(position)")
            }
            return value
        }
        func small(_ offset: Int, _ name: String) throws -> UInt32 {
            guard let value = UInt32(exactly: try number(offset, 8, name)) else {
                throw TarReader.invalid("\(name) out of range at byte \(position)")
            }
            return value
        }
        size = try number(124, 12, "size")
        guard size >= 0 else { throw TarReader.invalid("negative size at byte \(position)") }
        mode = UInt32(truncatingIfNeeded: try number(100, 8, "mode")) & 0o7777
        uid = try small(108, "owner")
        gid = try small(116, "group")
        modified = try number(136, 12, "time")
        let isDevice = type == UInt8(ascii: "3") || type == UInt8(ascii: "4")
        major = isDevice ? try small(329, "device number") : 0
        minor = isDevice ? try small(337, "device number") : 0
    }

    func fill(_ entry: inout TarEntry, _ block: UnsafeRawBufferPointer) {
        entry.name.removeAll(keepingCapacity: true)
        entry.linkName.removeAll(keepingCapacity: true)
        if format == .ustar || format == .star {
            let prefix = Self.text(block, 345, format == .ustar ? 155 : 131)
            if !prefix.isEmpty {
                entry.name.append(contentsOf: prefix)
                entry.name.append(UInt8(ascii: "/"))
            }
        }
        entry.name.append(contentsOf: Self.text(block, 0, 100))
        entry.linkName.append(contentsOf: Self.text(block, 157, 100))
        entry.mode = mode
        (entry.uid, entry.gid) = (uid, gid)
        entry.storedSize = size
        (entry.modifiedSeconds, entry.modifiedNanoseconds) = (modified, 0)
        (entry.deviceMajor, entry.deviceMinor) = (major, minor)
        if !entry.extendedAttributes.isEmpty { entry.extendedAttributes.removeAll(keepingCapacity: true) }
        entry.fragments = nil
    }

    func kind(name: [UInt8]) throws -> TarEntry.Kind {
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "S"):
            // Before ustar a directory was a file whose name ends in a slash.
            return name.last == UInt8(ascii: "/") ? .directory : .regular
        case 0x31...0x36:
            guard let kind = TarEntry.Kind(rawValue: type) else { break }
            return kind
        default: break
        }
        let shown = String(decoding: name, as: UTF8.self)
        throw ImageError(.corruptedArchive, "\"\(shown)\" is of a type that is not supported (\(type))")
    }

    // MARK: - Fields

    static func field(_ block: UnsafeRawBufferPointer, _ offset: Int, _ length: Int) -> UnsafeRawBufferPointer
    {
        UnsafeRawBufferPointer(rebasing: block[offset..<offset + length])
    }

    private static func text(_ block: UnsafeRawBufferPointer, _ offset: Int, _ length: Int) -> Slice<
        UnsafeRawBufferPointer
    > {
        let end = block[offset..<offset + length].firstIndex(of: 0) ?? offset + length
        return block[offset..<end]
    }

    static func isEnd(_ block: UnsafeRawBufferPointer) -> Bool {
        block[0] == 0 && block.allSatisfy { $0 == 0 }
    }

    private static func format(of block: UnsafeRawBufferPointer) -> Format {
        let magic = block[257..<265]
        if magic.elementsEqual("ustar  \0".utf8) { return .gnu }
        guard magic.prefix(6).elementsEqual("ustar\0".utf8) else { return .v7 }
        return block[508..<512].elementsEqual("tar\0".utf8) ? .star : .ustar
    }

    /// The sum of all bytes with the field itself as spaces; old programs summed signed bytes.
    static func hasValidChecksum(_ block: UnsafeRawBufferPointer) -> Bool {
        guard let claimed = TarNumber.parse(field(block, 148, 8)) else { return false }
        var unsigned: Int64 = 8 * 0x20
        for index in 0..<148 { unsigned += Int64(block[index]) }
        for index in 156..<512 { unsigned += Int64(block[index]) }
        if unsigned == claimed { return true }
        var signed: Int64 = 8 * 0x20
        for index in 0..<148 { signed += Int64(Int8(bitPattern: block[index])) }
        for index in 156..<512 { signed += Int64(Int8(bitPattern: block[index])) }
        return signed == claimed
    }
}
