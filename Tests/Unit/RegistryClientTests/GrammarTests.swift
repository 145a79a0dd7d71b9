import OCIModel
import Testing

@testable import RegistryClient

@Suite struct GrammarTests {
    @Test func addressesAreSplitAndResolved() throws {
        let address = try #require(WebAddress("https://registry.example:5000/v2/a?x=1#part"))
        #expect(address.hostAndPort == "registry.example:5000")
        #expect(address.target == "/v2/a?x=1")
        #expect(address.resolving("/other")?.description == "https://registry.example:5000/other")
        #expect(address.resolving("b?y")?.target == "/v2/b?y")
        #expect(address.resolving("http://else/x")?.origin == "http://else:80")
        #expect(address.resolving("ftp://else/x") == nil)
        #expect(WebAddress("https://[::1]:5000")?.host == "::1")
        #expect(WebAddress("https://[::1]")?.authority == "[::1]")
        for text in [
            "", "host", "https://", "https://host:x/", "https://host:70000", "ftp://h/", "https://a b/",
        ] {
            #expect(WebAddress(text) == nil, "\(text)")
        }
    }

    @Test func rangesThatSayAnythingAreNumbersOrNothing() {
        #expect(RangeField.received("0-41") == 42)
        #expect(RangeField.received("bytes=0-41") == 42)
        for text in ["", "0-0", "-", "0", "x-y", "0-9223372036854775807", "0-99999999999999999999"] {
            #expect(RangeField.received(text) == 0, "\(text)")
        }
        #expect(RangeField.first("bytes 42-99/100") == 42)
        for text in [
            "", "bytes", "bytes */100", "bytes -1-2/3", "items 1-2/3", "bytes 99999999999999999999-/",
        ] {
            #expect(RangeField.first(text) == nil, "\(text)")
        }
        let letters = Array("0123456789-/* bytes=\u{0665}é")
        for _ in 0..<5_000 {
            let text =
                "bytes " + String((0..<Int.random(in: 0...30)).map { _ in letters.randomElement() ?? "-" })
            #expect(RangeField.received(text) >= 0)
            #expect(RangeField.first(text) ?? 0 >= 0)
        }
    }

    @Test func challengesAreParsed() {
        let field =
            #"Bearer realm="https://auth.example/token",service="reg, istry",scope="repository:a/b:pull,push", Basic realm=x"#
        let challenges = Challenge.parse(field)
        #expect(challenges.map(\.scheme) == ["bearer", "basic"])
        #expect(challenges.first?.parameters["service"] == "reg, istry")
        #expect(challenges.first?.parameters["scope"] == "repository:a/b:pull,push")
        #expect(challenges.last?.parameters["realm"] == "x")
        #expect(Challenge.parse("").isEmpty)
        _ = Challenge.parse("\"=,==\" ,,,= Bearer")
    }

    @Test func base64GoesBothWays() {
        for text in ["", "f", "fo", "foo", "foob", "user:pässword"] {
            #expect(Base64.decode(Base64.encode(text.utf8)) == Array(text.utf8))
        }
        #expect(Base64.encode("foob".utf8) == "Zm9vYg==")
        #expect(Base64.decode("-_8") == [0xFB, 0xFF])
        #expect(Base64.decode("a*b") == nil)
    }

    @Test func loopbackAndNamedNetworksAreInsecure() throws {
        let hosts = InsecureHosts(["10.1.0.0/16", "registry.example:5000"])
        func contains(_ text: String) throws -> Bool { hosts.contains(try #require(WebAddress(text))) }
        #expect(try contains("https://127.3.2.1:5000"))
        #expect(try contains("https://[::1]:5000"))
        #expect(try contains("https://10.1.255.9"))
        #expect(try contains("https://registry.example:5000/v2/"))
        #expect(try !contains("https://10.2.0.1"))
    }

    @Test func directHostsNeedNoProxy() throws {
        var proxies = ProxySettings(environment: ["https_proxy": "proxy.example:3128"])
        proxies.none = "direct.example,.sub.example,10.0.0.0/8"
        func proxy(_ text: String) throws -> String? {
            proxies.proxy(for: try #require(WebAddress(text)))?.address.hostAndPort
        }
        #expect(try proxy("https://registry.example/") == "proxy.example:3128")
        #expect(try proxy("http://registry.example/") == nil)
        for text in [
            "https://localhost:5000", "https://127.0.0.1", "https://direct.example", "https://x.sub.example",
            "https://10.9.8.7",
        ] {
            #expect(try proxy(text) == nil, "\(text)")
        }
    }

    @Test func answersWithDamagedHeadsAreRefused() throws {
        let head = try HTTPHead(
            parsing: Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\n\r\n".utf8)[...])
        #expect(head.status == 200)
        #expect(try head.length() == 5)
        for text in [
            "", "HTTP/2 200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n", "garbage",
        ] {
            #expect(throws: RegistryError.self) { try HTTPHead(parsing: Array(text.utf8)[...]) }
        }
        let two = try HTTPHead(
            parsing: Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n".utf8)[...])
        #expect(throws: RegistryError.self) { try two.length() }
    }

    @Test func credentialsDoNotShowTheirSecrets() {
        let credentials = RegistryCredentials(username: "jane", password: "geheim")
        #expect(!"\(credentials)".contains("geheim"))
    }
}
