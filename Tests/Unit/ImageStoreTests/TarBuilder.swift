@testable import ImageStore
import OCIModel

/// Builds tar archives member by member, hostile ones too.
struct TarBuilder {
    private(set) var bytes: [UInt8] = []

    struct Fields {
        var mode = 0o644
        var uid = 0
        var gid = 0
        var time = 1_700_000_000
        var device: (Int, Int) = (0, 0)
        /// Instead of the content's length.
        var size: [UInt8]?
        var extended: [(String, [UInt8])] = []
        var magic = "ustar\u{0}00"
        var corruptsChecksum = false
    }

    mutating func file(_ name: String, _ content: String = "", mode: Int = 0o644, uid: Int = 0, gid: Int = 0)
    {
        add(Array(name.utf8), type: "0", content: Array(content.utf8), Fields(mode: mode, uid: uid, gid: gid))
    }

    mutating func directory(_ name: String, mode: Int = 0o755) {
        add(Array(name.utf8), type: "5", Fields(mode: mode))
    }

    mutating func symlink(_ name: String, _ target: String) {
        add(Array(name.utf8), type: "2", link: Array(target.utf8), Fields(mode: 0o777))
    }

    mutating func hardlink(_ name: String, _ target: String) {
        add(Array(name.utf8), type: "1", link: Array(target.utf8), Fields())
    }

    mutating func add(
        _ name: [UInt8], type: Character, link: [UInt8] = [], content: [UInt8] = [],
        _ fields: Fields = Fields()
    ) {
        if !fields.extended.isEmpty {
            var records: [UInt8] = []
            for (key, value) in fields.extended { records += Self.record(key, value) }
            header(Array("PaxHeaders/x".utf8), "x", [], Fields(), size: Self.octal(records.count, 12))
            data(records)
        }
        header(name, type, link, fields, size: fields.size ?? Self.octal(content.count, 12))
        data(content)
    }

    static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let body = [0x20] + Array(key.utf8) + [UInt8(ascii: "=")] + value + [0x0A]
        var length = body.count + 1
        while String(length).utf8.count + body.count != length {
            length = String(length).utf8.count + body.count
        }
        return Array(String(length).utf8) + body
    }

    mutating func header(_ name: [UInt8], _ type: Character, _ link: [UInt8], _ fields: Fields, size: [UInt8])
    {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: [UInt8], _ offset: Int, _ limit: Int) {
            for (index, byte) in bytes.prefix(limit).enumerated() { block[offset + index] = byte }
        }
        put(name, 0, 100)
        put(Self.octal(fields.mode, 8), 100, 8)
        put(Self.octal(fields.uid, 8), 108, 8)
        put(Self.octal(fields.gid, 8), 116, 8)
        put(size, 124, 12)
        put(Self.octal(fields.time, 12), 136, 12)
        put(Array(String(type).utf8), 156, 1)
        put(link, 157, 100)
        put(Array(fields.magic.utf8), 257, 8)
        put(Self.octal(fields.device.0, 8), 329, 8)
        put(Self.octal(fields.device.1, 8), 337, 8)
        put(Array("        ".utf8), 148, 8)
        var sum = block.reduce(0) { $0 + Int($1) }
        if fields.corruptsChecksum { sum += 1 }
        put(Self.octal(sum, 8), 148, 8)
        bytes += block
    }

    mutating func data(_ content: [UInt8]) {
        bytes += content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// Octal digits and a null byte.
    static func octal(_ number: Int, _ width: Int) -> [UInt8] {
        let digits = Array(String(number, radix: 8).utf8)
        return [UInt8](repeating: 0x30, count: max(0, width - 1 - digits.count)) + digits + [0]
    }

    static func base256(_ number: Int64, _ width: Int) -> [UInt8] {
        var field = [UInt8](repeating: number < 0 ? 0xFF : 0, count: width)
        for index in 0..<8 { field[width - 1 - index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        field[0] |= 0x80
        return field
    }

    mutating func append(_ other: TarBuilder) { bytes += other.bytes }

    /// Gives every block that looks like a header the checksum of what is in it.
    static func fixChecksums(_ bytes: inout [UInt8]) {
        for start in stride(from: 0, to: bytes.count - 511, by: 512)
        where bytes[start + 257..<start + 262].elementsEqual("ustar".utf8) {
            for index in 148..<156 { bytes[start + index] = 0x20 }
            let sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }
            for (index, byte) in octal(sum, 8).enumerated() { bytes[start + 148 + index] = byte }
        }
    }

    /// With the two empty blocks at the end.
    func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
