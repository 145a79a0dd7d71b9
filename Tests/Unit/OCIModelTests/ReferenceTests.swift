import OCIModel
import Testing

@Suite struct ReferenceTests {
    @Test(arguments: [
        ("busybox", "docker.io/library/busybox", "busybox"),
        ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
        ("user/app", "docker.io/user/app", "user/app"),
        ("library/busybox", "docker.io/library/busybox", "busybox"),
        ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"),
        ("library/user/app", "docker.io/library/user/app", "library/user/app"),
        ("localhost/app", "localhost/app", "localhost/app"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1"),
        ("host.example/a/b/c", "host.example/a/b/c", "host.example/a/b/c"),
        ("Host/app", "Host/app", "Host/app"),
        ("[2001:db8::1]:443/app", "[2001:db8::1]:443/app", "[2001:db8::1]:443/app"),
        ("a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g", "a__b/c--d/e.f_g"),
        ("app:_tag.1-x", "docker.io/library/app:_tag.1-x", "app:_tag.1-x"),
    ])
    func namesAreNormalizedAsDockerDoes(text: String, whole: String, familiar: String) throws {
        let reference = try Reference(text)
        #expect(reference.description == whole)
        #expect(reference.familiar == familiar)
    }

    @Test(arguments: [
        "", ":", "@", "a:", "a@", "/a", "a/", "a//b", "a:b:c", "-a", "a-", "a..b", "a___b", "a._b", "a b",
        "ä",
        "http://a/b", "a:-tag", "a/b@sha256:abc", "a:\(String(repeating: "x", count: 129))",
        "sha256:\(String(repeating: "a", count: 200))/x", "[::1/a", "host:port/a", "a@sha256:",
    ])
    func malformedNamesAreRefused(text: String) {
        #expect(throws: ReferenceError.self) { try Reference(text) }
    }

    @Test func messagesAreDockers() {
        func message(_ text: String) -> String {
            do throws(ReferenceError) {
                return try Reference(text).description
            } catch {
                return error.message
            }
        }
        let hex = String(repeating: "a", count: 64)
        #expect(
            message("Busybox")
                == "invalid reference format: repository name (library/Busybox) must be lowercase")
        #expect(message(":x") == "invalid reference format")
        #expect(
            message(hex) == "invalid repository name (\(hex)), cannot specify 64-byte hexadecimal strings")
        #expect(
            message("a/" + String(repeating: "b", count: 260))
                == "repository name must not be more than 255 characters")
        #expect(message("a@foo:" + hex) == "unsupported digest algorithm")
        #expect(message("a@sha256:" + hex.dropLast(2)) == "invalid checksum digest length")
    }

    @Test func digestsAreKept() throws {
        let digest = "sha256:" + String(repeating: "0a", count: 32)
        let reference = try Reference("host:1/app:tag@" + digest)
        #expect(reference.tag == "tag")
        #expect(reference.digest?.description == digest)
        #expect(reference.description == "host:1/app:tag@" + digest)
        #expect(!reference.isNameOnly)
    }

    @Test func latestIsTheDefaultTag() throws {
        #expect(try Reference("app").withDefaultTag.familiar == "app:latest")
        #expect(try Reference("app:1").withDefaultTag.familiar == "app:1")
    }

    @Test func identifiersAreTold() throws {
        let hex = String(repeating: "b", count: 64)
        #expect(try ImageName(hex) == .id(#require(Digest(hex: hex))))
        #expect(try ImageName("sha256:" + hex) == .id(#require(Digest(hex: hex))))
        #expect(try ImageName("abc") == .reference(Reference("abc")))
    }

    /// Whatever parses comes back from both of its texts as the same value.
    @Test func textsOfAReferenceParseToItself() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ab1.-_/:@[]AZ é")
        let pieces = [
            "localhost", "docker.io", "library", "sha256:" + String(repeating: "c", count: 64), ":80", "/",
        ]
        for _ in 0..<20000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                text +=
                    Bool.random(using: &random)
                    ? String(alphabet.randomElement(using: &random)!) : pieces.randomElement(using: &random)!
            }
            guard let reference = try? Reference(text) else { continue }
            #expect((try? Reference(reference.description)) == reference, "\(text)")
            #expect((try? Reference(reference.familiar)) == reference, "\(text)")
        }
    }
}
