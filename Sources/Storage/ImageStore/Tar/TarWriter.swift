/// Writes a tar archive of plain files, whose names fit the old header.
struct TarWriter {
    private let sink: any ByteSink

    init(_ sink: any ByteSink) { self.sink = sink }

    /// A member whose content the caller writes itself, followed by `pad`.
    func begin(_ name: String, size: Int64) throws {
        guard name.utf8.count <= 100 else {
            throw ImageError(.internal, "the member name \(name) is too long for an old tar header")
        }
        var block = [UInt8](repeating: 0, count: TarReader.blockSize)
        func put(_ bytes: some Sequence<UInt8>, _ offset: Int) {
            for (index, byte) in bytes.enumerated() { block[offset + index] = byte }
        }
        put(name.utf8, 0)
        put("0000644".utf8, 100)
        put("0000000".utf8, 108)
        put("0000000".utf8, 116)
        put(Self.size(size), 124)
        put("00000000000".utf8, 136)
        put("        0".utf8, 148)
        put("ustar\u{0}00".utf8, 257)
        let sum = block.reduce(0) { $0 + Int($1) }
        put(Self.octal(Int64(sum), digits: 6) + [0, 0x20], 148)
        try block.withUnsafeBytes { try sink.write($0) }
    }

    func pad(_ size: Int64) throws { try zeros(Int((512 - size % 512) % 512)) }

    func file(_ name: String, _ content: [UInt8]) throws {
        try begin(name, size: Int64(content.count))
        try content.withUnsafeBytes { try sink.write($0) }
        try pad(Int64(content.count))
    }

    func finish() throws { try zeros(1024) }

    private func zeros(_ count: Int) throws {
        guard count > 0 else { return }
        try [UInt8](repeating: 0, count: count).withUnsafeBytes { try sink.write($0) }
    }

    /// Base-256 where eleven octal digits do not suffice.
    private static func size(_ size: Int64) -> [UInt8] {
        if size < 1 << 33 { return octal(size, digits: 11) + [0] }
        var field = [UInt8](repeating: 0, count: 12)
        for index in 0..<8 { field[11 - index] = UInt8(truncatingIfNeeded: size >> (8 * index)) }
        field[0] = 0x80
        return field
    }

    private static func octal(_ number: Int64, digits: Int) -> [UInt8] {
        let text = Array(String(number, radix: 8).utf8)
        return [UInt8](repeating: 0x30, count: max(0, digits - text.count)) + text
    }
}
