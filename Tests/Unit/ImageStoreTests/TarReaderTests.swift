@testable import ImageStore
import Testing

@Suite struct TarReaderTests {
    /// A stream in pieces of a given size, so that every boundary falls everywhere.
    private final class Pieces: SpanSource {
        private let bytes: UnsafeMutableRawBufferPointer
        private let size: Int
        private var offset = 0

        init(_ bytes: [UInt8], size: Int) {
            self.bytes = .allocate(byteCount: max(bytes.count, 1), alignment: 8)
            self.bytes.copyBytes(from: bytes)
            self.size = min(size, bytes.count)
            count = bytes.count
        }

        private let count: Int

        deinit { bytes.deallocate() }

        func nextSpan() throws -> UnsafeRawBufferPointer {
            let end = min(count, offset + size)
            defer { offset = end }
            return UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
        }
    }

    private func names(_ bytes: [UInt8], pieces: Int = 4096) throws -> [String] {
        let reader = TarReader(Pieces(bytes, size: pieces))
        var names: [String] = []
        while try reader.next() { names.append(reader.entry.displayName) }
        return names
    }

    @Test func piecesOfAnySizeGiveTheSame() throws {
        var tar = TarBuilder()
        tar.file("a", "content a")
        tar.add(Array("b".utf8), type: "0", content: [1], .init(extended: [("path", Array("long b".utf8))]))
        tar.file("c", String(repeating: "c", count: 2000))
        for size in [1, 7, 511, 512, 513, 4096, 100_000] {
            let reader = TarReader(Pieces(tar.finished(), size: size))
            var seen: [String: Int] = [:]
            while try reader.next() {
                seen[reader.entry.displayName] = try reader.allData(limit: 10000).count
            }
            #expect(seen == ["a": 9, "long b": 1, "c": 2000])
            try reader.drain()
            #expect(reader.position == tar.finished().count)
        }
    }

    @Test func extendedHeadersHoldForOneMemberOnly() throws {
        var tar = TarBuilder()
        tar.add(
            [97], type: "0", .init(extended: [("path", Array("renamed".utf8)), ("uid", Array("5".utf8))]))
        tar.file("b")
        #expect(try names(tar.finished()) == ["renamed", "b"])
    }

    @Test func globalHeadersAreIgnored() throws {
        var tar = TarBuilder()
        let records = TarBuilder.record("path", Array("everything".utf8))
        tar.header(Array("g".utf8), "g", [], .init(), size: TarBuilder.octal(records.count, 12))
        tar.data(records)
        tar.file("a")
        #expect(try names(tar.finished()) == ["a"])
    }

    @Test func prefixOfUstarIsPutBeforeTheName() throws {
        var tar = TarBuilder()
        tar.file("name")
        var bytes = tar.finished()
        for (index, byte) in "some/folder".utf8.enumerated() { bytes[345 + index] = byte }
        TarBuilder.fixChecksums(&bytes)
        #expect(try names(bytes) == ["some/folder/name"])
    }

    @Test func numbersAreParsedInAllForms() {
        func number(_ bytes: [UInt8]) -> Int64? { bytes.withUnsafeBytes { TarNumber.parse($0) } }
        #expect(number(Array("0000644\u{0}".utf8)) == 0o644)
        #expect(number(Array("   644 \u{0}".utf8)) == 0o644)
        #expect(number([0, 0, 0]) == 0)
        #expect(number(Array("9".utf8)) == nil)
        #expect(number(Array("7 7".utf8)) == nil)
        for value: Int64 in [0, 1, -1, 1 << 40, -(1 << 40), .max, .min] {
            #expect(number(TarBuilder.base256(value, 12)) == value)
        }
        #expect(number([0x80, 1] + [UInt8](repeating: 0, count: 10)) == nil)
    }

    @Test func timesAreParsedWithTheirFraction() {
        func time(_ text: String) -> [Int64]? {
            TarNumber.time(Array(text.utf8)).map { [$0.seconds, Int64($0.nanoseconds)] }
        }
        #expect(time("12") == [12, 0])
        #expect(time("12.5") == [12, 500_000_000])
        #expect(time("12.0123456789") == [12, 12_345_678])
        #expect(time("-1.5") == [-2, 500_000_000])
        #expect(time("x") == nil)
        #expect(time("1.x") == nil)
    }

    @Test func truncationIsToldFromTheEnd() throws {
        var tar = TarBuilder()
        tar.file("a", "content")
        #expect(try names(tar.bytes) == ["a"])  // without the final blocks, as some programs write
        #expect(throws: ImageError.self) { try names(Array(tar.bytes.dropLast(1))) }
        #expect(throws: ImageError.self) { try names(Array(tar.bytes.prefix(300))) }
        #expect(throws: ImageError.self) { try names(Array(tar.bytes.prefix(515))) }
    }

    @Test func randomBytesNeverCrash() {
        var random = SystemRandomNumberGenerator()
        var tar = TarBuilder()
        for index in 0..<5 {
            tar.add(
                Array("\(index)".utf8), type: "0", content: Array("2\n1\n2\n5\n6\n".utf8),
                .init(extended: [
                    ("GNU.sparse.major", [UInt8(ascii: "1")]), ("GNU.sparse.realsize", Array("99".utf8)),
                ]))
        }
        let whole = tar.finished()
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            TarBuilder.fixChecksums(&bytes)
            _ = try? names(bytes, pieces: Int.random(in: 1...3000, using: &random))
        }
    }
}
