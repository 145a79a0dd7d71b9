import OCIModel
import Testing

@testable import RegistryServer

@Suite struct RegistryModelTests {
    @Test(arguments: [
        ("bytes=0-9", 100, RequestedRange.part(0..<10)), ("bytes=90-200", 100, .part(90..<100)),
        ("bytes=-30", 20, .part(0..<20)), ("bytes=20-", 20, .unsatisfiable), ("bytes=-5", 0, .unsatisfiable),
        ("bytes=5-4", 20, .whole), ("bytes=a-b", 20, .whole), ("items=0-1", 20, .whole),
        ("bytes=0-1,3-4", 20, .whole),
        ("bytes=0-99999999999999999999999", 20, .part(0..<20)),
        ("bytes=99999999999999999999-", 20, .unsatisfiable),
        ("bytes=--1", 20, .whole), ("bytes=-", 20, .whole),
    ])
    func rangesAreReadAsTheStandardSays(field: String, size: Int64, expected: RequestedRange) {
        #expect(RequestedRange(field, size: size) == expected)
    }

    @Test(arguments: ["0-0", "5-9", "bytes 5-9/100", "bytes 5-9/*"])
    func chunkRangesAreTaken(text: String) throws { #expect(try ChunkRange(text).count >= 1) }

    @Test(arguments: [
        "", "-", "1", "9-5", "1-2-3", "a-b", "0x1-2", "-1-5", "99999999999999999999-999999999999999999999",
    ])
    func brokenChunkRangesAreRefused(text: String) {
        #expect(throws: RegistryError.self) { try ChunkRange(text) }
    }

    @Test func pathsAreReadFromBehind() throws {
        let name = try #require(RepositoryName("a/blobs/uploads"))
        #expect(try RegistryTarget(path: "/v2/a/blobs/uploads/blobs/x") == .blob(name, digest: "x"))
        #expect(try RegistryTarget(path: "/v2/a/blobs/uploads/blobs/uploads/") == .uploads(name))
        let tags = try #require(RepositoryName("tags/list"))
        #expect(try RegistryTarget(path: "/v2/tags/list/tags/list") == .tags(tags))
    }

    @Test(arguments: [
        "", "/", "/v1/", "/v2/a", "/v2//tags/list", "/v2/a//manifests/x", "/v2/manifests/x",
        "/v2/a/manifests/",
    ])
    func otherPathsAreRefused(path: String) {
        #expect(throws: RegistryError.self) { try RegistryTarget(path: path) }
    }

    @Test(arguments: [
        ("**", "a/b/c", true), ("*", "a/b", false), ("*", "a", true), ("team/*", "team/x", true),
        ("team/*", "team", false),
        ("*/x", "a/x", true), ("**/x", "a/b/x", true), ("a*c", "abc", true), ("a*c", "abd", false),
        ("", "a", false),
    ])
    func patternsMatchWithinComponents(pattern: String, name: String, expected: Bool) {
        #expect(AccessRules.matches(Array(pattern.utf8)[...], Array(name.utf8)[...]) == expected)
    }

    @Test(arguments: [
        ("0", 0), ("4096", 4096), ("10k", 10240), ("1MiB", 1 << 20), ("2gb", 2 << 30), ("1T", 1 << 40),
    ])
    func sizesHaveUnits(text: String, expected: Int64) throws {
        #expect(try SettingsReader.size(text) == expected)
    }

    @Test(arguments: ["", "k", "-1", "1x", "9999999999g", "1 k"])
    func brokenSizesAreRefused(text: String) {
        #expect(throws: RegistryError.self) { try SettingsReader.size(text) }
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"])
    func base64ComesBack(text: String) {
        #expect(Base64.decode(Base64.encodeURL(Array(text.utf8))) == Array(text.utf8))
    }
}
