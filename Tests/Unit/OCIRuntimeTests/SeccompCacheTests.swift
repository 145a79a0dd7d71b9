@testable import OCIRuntime
import Testing

struct SeccompCacheTests {
    @Test func anEntryIsReadAsItWasWritten() throws {
        let program = SeccompProgram(instructions: [UInt8](0..<64), flags: 4)
        let entry = SeccompCacheEntry(key: "{\"kernel\":\"6\"}\n{\"defaultAction\":\"ä\"}", program: program)
        #expect(SeccompCacheEntry(bytes: entry.bytes) == entry)
    }

    @Test func aDamagedFileIsNoEntry() {
        let whole = SeccompCacheEntry(
            key: "key", program: SeccompProgram(instructions: [UInt8](repeating: 7, count: 16), flags: 0)
        ).bytes
        for length in 0..<whole.count - 1 where (whole.count - length) % 8 != 0 {
            #expect(SeccompCacheEntry(bytes: Array(whole[..<length])) == nil, "\(length) bytes")
        }
        for _ in 0..<2000 {
            var bytes = whole
            bytes[Int.random(in: 0..<20)] = UInt8.random(in: 0...255)
            _ = SeccompCacheEntry(bytes: bytes)
        }
    }

    @Test func everythingThatDecidesTheFilterIsPartOfTheKey() {
        let base = SeccompCacheKey(profile: "{}", capabilities: ["CAP_A", "CAP_B"])
        #expect(base == SeccompCacheKey(profile: "{}", capabilities: ["CAP_B", "CAP_A", "CAP_A"]))
        #expect(base.key != SeccompCacheKey(profile: "{}", capabilities: ["CAP_A"]).key)
        #expect(base.key != SeccompCacheKey(profile: "{ }", capabilities: ["CAP_A", "CAP_B"]).key)
        #expect(base.fileName.utf8.count == 16)
    }
}
