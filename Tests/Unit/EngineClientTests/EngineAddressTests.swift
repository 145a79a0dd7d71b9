import DockerAPI
import EngineClient
import JSONCodec
import Testing

@Suite struct EngineAddressTests {
    @Test func addressesParseAsDockersDo() throws {
        #expect(try EngineAddress(parsing: "unix:///run/x.sock") == .unix(path: "/run/x.sock"))
        #expect(try EngineAddress(parsing: "tcp://1.2.3.4:2376") == .tcp(host: "1.2.3.4", port: 2376))
        #expect(try EngineAddress(parsing: "tcp://host") == .tcp(host: "host", port: 2375))
        #expect(try EngineAddress(parsing: "tcp://[::1]:99/") == .tcp(host: "::1", port: 99))
        #expect(try EngineAddress(parsing: "http://[::1]") == .tcp(host: "::1", port: 2375))
    }

    @Test(arguments: [
        "", "x", "foo://x", "unix://", "tcp://", "tcp://a:b", "tcp://a:0", "ssh://a", "https://a",
        "tcp://a/b",
    ])
    func otherAddressesAreRefused(_ text: String) {
        #expect(throws: EngineError.self) { _ = try EngineAddress(parsing: text) }
    }

    @Test func namesAreEscapedInPaths() {
        #expect(EngineRequest.escape("a b/ü") == "a%20b%2F%C3%BC")
        #expect(EngineRequest.escape("team/app:1", keeping: "/:") == "team/app:1")
    }

    @Test func unreachableDaemonIsNamedAsDockerNamesIt() throws {
        let client = EngineClient(address: .unix(path: "/nonexistent/s.sock"), daemonName: .skiff)
        let error = #expect(throws: EngineError.self) { _ = try client.json(EngineRequest(.get, "/version")) }
        #expect(
            error?.message == "Cannot connect to the Skiff daemon at unix:///nonexistent/s.sock. "
                + "Is the skiff daemon running?")
    }
}
