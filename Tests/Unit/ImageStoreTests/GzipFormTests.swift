import OCIModel
import Testing

@testable import ImageStore

/// Descriptions of gzip files: what is described is made again byte for byte, and nothing else is taken for a description.
@Suite struct GzipFormTests {
    /// Words that repeat, with noise between them, from a fixed seed.
    static func text(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        let words = (0..<400).map { _ in (0..<(3 + Int(next() % 9))).map { _ in UInt8(97 + next() % 26) } }
        var result: [UInt8] = []
        while result.count < count {
            result += words[Int(next() % 400)]
            result.append(next() % 12 == 0 ? UInt8(truncatingIfNeeded: next()) : 0x20)
        }
        return Array(result[..<count])
    }

    static func compressed(_ plain: [UInt8], _ compressor: any LayerCompressor, piece: Int) throws -> [UInt8]
    {
        var result: [UInt8] = []
        var position = 0
        var room = [UInt8](repeating: 0, count: 10_000)
        while !compressor.isFinished {
            let end = min(plain.count, position + piece)
            try plain[position..<end].withUnsafeBytes { part in
                var rest = part
                repeat {
                    let count = try room.withUnsafeMutableBytes {
                        try compressor.compress(&rest, isLast: end == plain.count, into: $0)
                    }
                    result += room[..<count]
                } while !rest.isEmpty
            }
            position = end
        }
        return result
    }

    static func describe(_ blob: [UInt8]) throws -> [UInt8] {
        try blob.withUnsafeBytes { try GzipDescriber.describe($0) { false } }
    }

    static func form(_ description: [UInt8]) -> GzipForm {
        GzipForm(digest: .of("x"), size: 0, description: description)
    }

    @Test(arguments: [0, 1, 3, 700, 70_000])
    func whatIsDescribedIsMadeAgain(size: Int) throws {
        let plain = Self.text(size, seed: UInt64(size) + 1)
        let blob = try Self.compressed(plain, GzipCompressor(), piece: 30_000)
        let description = try Self.describe(blob)
        for piece in [1_500, 1 << 20] {
            let again = try Self.compressed(plain, GzipRebuilder(Self.form(description)), piece: piece)
            #expect(again == blob, "\(size) bytes in pieces of \(piece)")
        }
    }

    @Test func archivesLargerThanTheWindowAreMadeAgain() throws {
        let plain = Self.text(1_300_000, seed: 9)
        let blob = try Self.compressed(plain, GzipCompressor(), piece: 1 << 20)
        let again = try Self.compressed(
            plain, GzipRebuilder(Self.form(try Self.describe(blob))), piece: 100_000)
        #expect(again == blob)
    }

    /// Whatever is damaged: an error, or other bytes, which the digest finds; no crash and no circle.
    @Test func damagedStreamsAndDescriptionsEnd() throws {
        let plain = Self.text(6_000, seed: 3)
        let blob = try Self.compressed(plain, GzipCompressor(), piece: 6_000)
        let description = try Self.describe(blob)
        var state: UInt64 = 77
        for _ in 0..<50 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            let (place, value) = (Int(state >> 33), UInt8(truncatingIfNeeded: state >> 20))
            var damaged = blob
            damaged[place % blob.count] = value
            _ = try? Self.describe(damaged)
            _ = try? Self.describe(Array(blob[..<(place % blob.count)]))
            var wrong = description
            wrong[place % description.count] = value
            _ = try? Self.compressed(plain, GzipRebuilder(Self.form(wrong)), piece: 2_000)
            _ = try? Self.compressed(
                plain, GzipRebuilder(Self.form(Array(description[..<(place % description.count)]))),
                piece: 6_000)
        }
    }
}

extension OCIModel.Digest {
    fileprivate static func of(_ text: String) -> OCIModel.Digest { sha256(Array(text.utf8)) }
}
