import Networking
import Testing

@testable import Engine

/// Names of links, and the lines of linked containers in a hosts file.
struct LinkTests {
    @Test func aLinkIsANameOfTheOtherUntilItGoes() {
        var index = ReferenceIndex<String>()
        index.values = ["db1": "database"]
        #expect(index.take(name: "db", for: "db1") == nil)
        #expect(index.take(link: "web/db", to: "db1") && !index.take(link: "web/db", to: "db1"))
        #expect(index.linkNames(of: "db1") == ["web/db"])
        guard case .one("database") = index.find("/web/db") else { return #expect(Bool(false), "not found") }
        index.release(link: "web/db")
        guard case .none = index.find("web/db") else { return #expect(Bool(false), "still found") }
        #expect(index.take(link: "a/x", to: "db1") && index.take(link: "b/y", to: "db1"))
        index.releaseLinks(to: "db1")
        #expect(index.linkNames(of: "db1") == [] && index.take(link: "a/x", to: "db1"))
    }

    @Test func aContainersOwnNameIsNoLink() {
        var index = ReferenceIndex<String>()
        index.values = ["db1": "database"]
        #expect(index.take(name: "db", for: "db1") == nil)
        index.release(link: "db")
        guard case .one = index.find("db") else { return #expect(Bool(false), "the name went") }
    }

    @Test func onlyTheLinksOwnLineIsChanged() throws {
        let names = ["alias", "host", "db"]
        let text = "127.0.0.1\tlocalhost\n10.0.0.2\talias host db\n10.0.0.2\tdb\n# alias host db\n"
        let address = try #require(IPAddress("10.0.0.9"))
        #expect(
            HostsLines.edited(text, address, names)
                == "127.0.0.1\tlocalhost\n10.0.0.9\talias host db\n10.0.0.2\tdb\n# alias host db\n")
        #expect(
            HostsLines.edited(text, nil, names) == "127.0.0.1\tlocalhost\n10.0.0.2\tdb\n# alias host db\n")
        #expect(HostsLines.edited("", address, names) == "")
        // The same name twice is written once, as the file was made.
        #expect(HostsLines.edited("10.0.0.2 db h\n", address, ["db", "h", "db"]) == "10.0.0.9\tdb h\n")
    }
}
