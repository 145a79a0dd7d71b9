import Crypto
import JSONCodec
import OCIModel
import Testing

@testable import RegistryServer

/// Random and damaged input from outside: every reader answers or refuses, and what it takes keeps its promises.
@Suite struct OutsideInputTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    private static let seeds = [
        "bytes=0-99", "bytes 0-99/100", "repository:team/app:pull,push", "/v2/a/b/blobs/uploads/x",
        "a.b_c/d--e",
        "sha256:" + String(repeating: "ab", count: 32), "alice:$2y$05$abcdefghijklmnopqrstuv",
        #"{"schemaVersion":2,"config":{"digest":"sha256:"},"layers":[{"digest":1}],"subject":{}}"#,
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA",
    ]

    private func damaged(_ generator: inout Generator) -> String {
        var bytes = Array((Self.seeds.randomElement(using: &generator) ?? "").utf8)
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let position = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0...2, using: &generator) {
            case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
            case 1 where position < bytes.count: bytes.remove(at: position)
            default: bytes += bytes[position...].prefix(20)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func readersTakeOrRefuseWhateverComes() throws {
        var generator = Generator(state: 42)
        let key = P256.Signing.PrivateKey()
        for _ in 0..<20_000 {
            let text = damaged(&generator)
            let size = Int64.random(in: 0...200, using: &generator)
            if case .part(let part) = RequestedRange(text, size: size) {
                #expect(part.lowerBound >= 0 && part.upperBound <= size && !part.isEmpty)
            }
            if let range = try? ChunkRange(text) { #expect(range.count >= 1) }
            if let name = RepositoryName(text) {
                #expect(
                    !name.description.contains("..") && !name.description.hasPrefix("/")
                        && name.description == text)
            }
            if let target = try? RegistryTarget(path: text) { _ = target.need("GET") }
            _ = try? ManifestReference(text)
            _ = try? PasswordFile.parse(Array(text.utf8), "file")
            _ = TokenScope(text)
            _ = try? SettingsReader.size(text)
            _ = try? ManifestDocument(Array(text.utf8), contentType: text)
            #expect(
                Token.verified(text, keys: [.ecdsa(key.publicKey)], issuer: "x", audience: "x", now: 0) == nil
            )
        }
    }

    @Test func everyChangeOfATokenIsSeen() throws {
        let key = P256.Signing.PrivateKey()
        let token = Token(
            issuer: "i", audience: "a", subject: "s", issued: 100, expires: 200,
            access: [Token.Access(type: "repository", name: "x", actions: ["pull"])])
        let text = try token.signed(by: key)
        func verified(
            _ text: String, now: Int64 = 150, audience: String = "a", keys: [TokenKey]? = nil
        ) -> Token? {
            Token.verified(
                text, keys: keys ?? [.ecdsa(key.publicKey)], issuer: "i", audience: audience, now: now)
        }
        #expect(verified(text) == token)
        #expect(verified(text, now: 1000) == nil)
        #expect(verified(text, now: 0) == nil)
        #expect(verified(text, audience: "b") == nil)
        #expect(verified(text, keys: [.ecdsa(P256.Signing.PrivateKey().publicKey)]) == nil)
        var generator = Generator(state: 7)
        for _ in 0..<500 {
            var bytes = Array(text.utf8)
            let position = Int.random(in: 0..<bytes.count - 2, using: &generator)
            bytes[position] = bytes[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(verified(String(decoding: bytes, as: UTF8.self)) == nil)
        }
    }

    @Test func manifestsTellWhatTheyNeed() throws {
        let digest = "sha256:" + String(repeating: "0", count: 64)
        let text = """
            {"schemaVersion":2,"mediaType":"\(MediaType.ociManifest)","config":{"mediaType":"x/y","digest":"\(digest)"},
            "layers":[{"digest":"\(digest)","urls":["https://example.org"]},{"digest":"\(digest)"}],
            "subject":{"digest":"\(digest)"},"annotations":{"a":"b"}}
            """
        let document = try ManifestDocument(
            Array(text.utf8), contentType: MediaType.ociManifest + "; charset=utf-8")
        #expect(document.blobs.map(\.isRequired) == [true, false, true])
        #expect(document.artifactType == "x/y")
        #expect(document.subject?.description == digest)
        #expect(throws: RegistryError.self) {
            try ManifestDocument(Array(text.utf8), contentType: MediaType.ociIndex)
        }
    }
}
