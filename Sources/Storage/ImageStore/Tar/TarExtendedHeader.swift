/// What the PAX and GNU headers before a member say about it (POSIX pax, "pax Extended Header").
struct TarExtendedHeader {
    var longName: [UInt8]?
    var longLink: [UInt8]?
    private(set) var fragments: [TarEntry.Fragment] = []
    private(set) var sparseMajor: Int64?
    private(set) var sparseSize: Int64?
    private var sparseName: [UInt8]?
    private var isOldSparse = false

    private var path: [UInt8]?
    private var linkPath: [UInt8]?
    private var size: Int64?
    private var uid: UInt32?
    private var gid: UInt32?
    private var modified: (seconds: Int64, nanoseconds: Int)?
    private var attributes: [TarEntry.ExtendedAttribute] = []
    /// Where an attribute stands: a header may name very many.
    private var attributePositions: [[UInt8]: Int] = [:]
    private var isUsed = false
    /// Of all headers of this member so far: any number of them may precede it.
    private var byteCount = 0

    var isSparse: Bool { sparseMajor != nil || isOldSparse }

    mutating func reset() {
        if isUsed || longName != nil || longLink != nil { self = TarExtendedHeader() }
    }

    /// Puts the headers' values over those of the member's own block.
    func apply(to entry: inout TarEntry) throws {
        if let name = sparseName ?? path ?? longName { entry.name = name }
        if let link = linkPath ?? longLink { entry.linkName = link }
        guard isUsed else { return }
        if let size { entry.storedSize = size }
        if let uid { entry.uid = uid }
        if let gid { entry.gid = gid }
        if let modified { (entry.modifiedSeconds, entry.modifiedNanoseconds) = modified }
        if !attributes.isEmpty { entry.extendedAttributes = attributes }
    }

    /// Takes records of the form `length key=value\n`, the length counting itself.
    mutating func apply(records: [UInt8]) throws {
        isUsed = true
        byteCount += records.count
        guard byteCount <= TarLimits.headers else {
            throw TarReader.invalid(
                "the extended headers of one member have more than \(TarLimits.headers) bytes")
        }
        var position = 0
        while position < records.count {
            guard let space = records[position...].firstIndex(of: 0x20),
                let length = TarNumber.decimal(records[position..<space]), length > 0,
                length <= Int64(records.count - position)
            else { throw TarReader.invalid("malformed extended header") }
            let end = position + Int(length)
            guard records[end - 1] == 0x0A, space + 1 < end,
                let equals = records[(space + 1)..<(end - 1)].firstIndex(of: UInt8(ascii: "="))
            else { throw TarReader.invalid("malformed extended header") }
            let key = String(decoding: records[(space + 1)..<equals], as: UTF8.self)
            try apply(key, records[(equals + 1)..<(end - 1)], rawKey: records[(space + 1)..<equals])
            position = end
        }
    }

    private static let attributePrefix = "SCHILY.xattr."

    /// An empty value takes an earlier one away.
    private mutating func apply(_ key: String, _ value: ArraySlice<UInt8>, rawKey: ArraySlice<UInt8>) throws {
        switch key {
        case "path": path = try text(value, key)
        case "linkpath": linkPath = try text(value, key)
        case "size": size = try number(value, key)
        case "uid": uid = try number(value, key).flatMap { UInt32(exactly: $0) }
        case "gid": gid = try number(value, key).flatMap { UInt32(exactly: $0) }
        case "mtime":
            modified = nil
            if !value.isEmpty {
                guard let time = TarNumber.time(value) else { throw TarReader.invalid("invalid mtime") }
                modified = time
            }
        case _ where key.hasPrefix(Self.attributePrefix):
            let name = Array(rawKey.dropFirst(Self.attributePrefix.utf8.count))
            guard !name.isEmpty, !name.contains(0) else { throw TarReader.invalid("invalid attribute name") }
            set(name, Array(value))
        case _ where key.hasPrefix("GNU.sparse."):
            try applySparse(String(key.dropFirst("GNU.sparse.".count)), value)
        default: break
        }
    }

    /// A later value of the same name takes an earlier one's place.
    private mutating func set(_ name: [UInt8], _ value: [UInt8]) {
        if let position = attributePositions[name] {
            attributes[position].value = value
        } else {
            attributePositions[name] = attributes.count
            attributes.append(TarEntry.ExtendedAttribute(name: name, value: value))
        }
    }

    private mutating func applySparse(_ key: String, _ value: ArraySlice<UInt8>) throws {
        switch key {
        case "major": sparseMajor = try number(value, key)
        case "name": sparseName = try text(value, key)
        case "size", "realsize": sparseSize = try number(value, key)
        case "numblocks": isOldSparse = true
        case "offset":
            isOldSparse = true
            fragments.append(TarEntry.Fragment(offset: try number(value, key) ?? 0, length: 0))
        case "numbytes":
            guard !fragments.isEmpty else { throw TarReader.invalid("sparse map without an offset") }
            fragments[fragments.count - 1].length = try number(value, key) ?? 0
        case "map":
            isOldSparse = true
            let numbers = value.split(separator: UInt8(ascii: ",")).map { TarNumber.decimal($0) }
            guard numbers.count % 2 == 0, numbers.allSatisfy({ ($0 ?? -1) >= 0 }) else {
                throw TarReader.invalid("invalid sparse map")
            }
            fragments = stride(from: 0, to: numbers.count, by: 2).map {
                TarEntry.Fragment(offset: numbers[$0] ?? 0, length: numbers[$0 + 1] ?? 0)
            }
        default: break
        }
    }

    private func text(_ value: ArraySlice<UInt8>, _ key: String) throws -> [UInt8]? {
        if value.isEmpty { return nil }
        guard !value.contains(0) else { throw TarReader.invalid("\(key) holds a null byte") }
        return Array(value)
    }

    private func number(_ value: ArraySlice<UInt8>, _ key: String) throws -> Int64? {
        if value.isEmpty { return nil }
        guard let number = TarNumber.decimal(value), number >= 0 else {
            throw TarReader.invalid("invalid \(key)")
        }
        return number
    }
}
