import DNS
import Testing

@Suite struct NameTableTests {
    private func endpoint(
        _ id: String, _ names: [String], _ addresses: [[UInt8]], network: String = "n1",
        _ networkName: String = "mynet"
    ) -> NameTable.Endpoint {
        NameTable.Endpoint(
            id: id, network: network, networkName: networkName, names: names, addresses: addresses)
    }

    private let view = NameView(networks: ["n1"], links: [:], isForwarding: true)

    private func ask(
        _ table: inout NameTable, _ name: String, _ type: UInt16 = RecordType.address, _ view: NameView? = nil
    ) throws -> [Record]? {
        table.records(try #require(Wire.read(Wire.query(name, type))), view ?? self.view)
    }

    private static let v6: [UInt8] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]

    @Test func namesAndAliasesAreFoundInAnyCaseAndWithTheNetworksName() throws {
        var table = NameTable()
        table.set(endpoint("e1", ["Web", "0123456789ab", "api"], [[10, 0, 0, 2], Self.v6]))
        for name in ["web", "WEB", "0123456789AB", "api", "web.mynet", "Api.MyNet"] {
            #expect(try ask(&table, name) == [.address([10, 0, 0, 2])], "\(name)")
            #expect(try ask(&table, name, RecordType.address6) == [.address(Self.v6)], "\(name)")
        }
        for name in ["we", "webb", "web.other", "mynet", "web.mynet.mynet", "a.web"] {
            #expect(try ask(&table, name) == nil, "\(name)")
        }
    }

    @Test func aKnownNameHasNoRecordsOfOtherTypes() throws {
        var table = NameTable()
        table.set(endpoint("e1", ["web"], [[10, 0, 0, 2]]))
        // AAAA, MX, TXT, HTTPS.
        for type: UInt16 in [28, 15, 16, 65] { #expect(try ask(&table, "web", type) == [], "\(type)") }
        #expect(try ask(&table, "web", RecordType.any) == [.address([10, 0, 0, 2])])
    }

    @Test func otherClassesAreNotOurs() throws {
        var table = NameTable()
        table.set(endpoint("e1", ["web"], [[10, 0, 0, 2]]))
        let chaos = try #require(Wire.read(Wire.query("web", recordClass: 3)))
        #expect(table.records(chaos, view) == nil)
    }

    @Test func severalContainersOfANameTakeTurnsInEachFamily() throws {
        var table = NameTable()
        for number: UInt8 in 1...3 {
            table.set(
                endpoint(
                    "e\(number)", ["c\(number)", "web"], [[10, 0, 0, number], Self.v6.dropLast() + [number]]))
        }
        var firsts: [Record] = []
        for _ in 0..<6 {
            let found = try #require(try ask(&table, "web"))
            #expect(Set(found).count == 3)
            firsts.append(found[0])
            // As resolvers do; it must not take the other family's turn.
            _ = try ask(&table, "web", RecordType.address6)
            _ = try ask(&table, "web.mynet")
            // Nor does a change elsewhere begin anew.
            table.set(endpoint("e9", ["other\(firsts.count)"], [[10, 0, 0, 9]]))
        }
        #expect(Set(firsts).count == 3 && firsts[..<3] == firsts[3...])
    }

    @Test func theFirstNetworkThatKnowsANameDecides() throws {
        var table = NameTable()
        table.set(endpoint("e1", ["web"], [[10, 0, 0, 1]]))
        table.set(endpoint("e2", ["web", "db"], [[10, 0, 1, 1]], network: "n2", "backend"))
        let both = NameView(networks: ["n2", "n1"], links: [:], isForwarding: true)
        #expect(try ask(&table, "web") == [.address([10, 0, 0, 1])])
        #expect(try ask(&table, "db") == nil)
        #expect(try ask(&table, "web", RecordType.address, both) == [.address([10, 0, 1, 1])])
        #expect(try ask(&table, "web.mynet", RecordType.address, both) == [.address([10, 0, 0, 1])])
        #expect(
            try ask(&table, "web", RecordType.address, NameView(networks: [], links: [:], isForwarding: true))
                == nil)
    }

    @Test func addressesLeadBackToTheContainersName() throws {
        var table = NameTable()
        table.set(endpoint("e1", ["Web", "api"], [[10, 0, 0, 2], Self.v6]))
        let name = Record.pointer(DomainName("Web.mynet")!)
        #expect(try ask(&table, "2.0.0.10.in-addr.arpa", RecordType.pointer) == [name])
        let reverse = "2" + String(repeating: ".0", count: 29) + ".d.f.ip6.arpa"
        #expect(try ask(&table, reverse, RecordType.pointer) == [name])
        #expect(try ask(&table, "3.0.0.10.in-addr.arpa", RecordType.pointer) == nil)
        #expect(try ask(&table, "2.0.0.10.in-addr.arpa") == nil)
    }

    @Test func linksAreSeenByTheirContainerOnly() throws {
        var table = NameTable()
        table.set(endpoint("e1", ["postgres"], [[10, 0, 0, 1]]))
        table.set(endpoint("e2", ["db"], [[10, 0, 0, 2]]))
        let linked = NameView(networks: ["n1"], links: ["DB": "Postgres"], isForwarding: true)
        #expect(try ask(&table, "db", RecordType.address, linked) == [.address([10, 0, 0, 1])])
        #expect(try ask(&table, "db.mynet", RecordType.address, linked) == [.address([10, 0, 0, 1])])
        #expect(try ask(&table, "db") == [.address([10, 0, 0, 2])])
        table.remove("e1")
        #expect(try ask(&table, "db", RecordType.address, linked) == [.address([10, 0, 0, 2])])
    }

    @Test func endpointsAreReplacedMovedAndRemoved() throws {
        var table = NameTable()
        table.set(endpoint("e1", ["old"], [[10, 0, 0, 1]]))
        table.set(endpoint("e1", ["new"], [[10, 0, 0, 1]]))
        #expect(try ask(&table, "old") == nil)
        #expect(try ask(&table, "new") == [.address([10, 0, 0, 1])])
        table.set(endpoint("e1", ["new"], [[10, 0, 1, 1]], network: "n2", "other"))
        #expect(try ask(&table, "new") == nil)
        #expect(try ask(&table, "1.0.0.10.in-addr.arpa", RecordType.pointer) == nil)
        table.set(endpoint("e2", ["web"], [[10, 0, 0, 2]]))
        table.removeAll(except: ["e1"])
        #expect(Array(table.endpoints) == ["e1"])
        table.remove("e1")
        table.remove("e1")
        #expect(table.endpoints.isEmpty)
    }

    @Test func whatIsNoDomainNameIsLeftOut() throws {
        var table = NameTable()
        table.set(
            endpoint(
                "e1", ["a..b", String(repeating: "x", count: 70), "", "ok"], [[10, 0, 0, 1]], network: "n1",
                "x..y"))
        #expect(try ask(&table, "ok") == [.address([10, 0, 0, 1])])
        #expect(
            NameView(networks: [], links: ["": "web", "a..b": "web", "x": "."], isForwarding: true).links
                .isEmpty)
    }

    @Test func unknownNamesAreForwardedOrFail() throws {
        var table = NameTable()
        let message = Wire.query("example.org")
        guard case .forward(let query) = table.respond(to: message, view, isStream: false) else {
            Issue.record("not forwarded")
            return
        }
        #expect(query.message == message)
        let closed = NameView(networks: ["n1"], links: [:], isForwarding: false)
        guard case .answer(let answer) = table.respond(to: message, closed, isStream: false) else {
            Issue.record("not answered")
            return
        }
        #expect(MessageHeader(answer)?.code == ResponseCode.serverFailure.rawValue)
        guard
            case .answer(let refusal) = table.respond(
                to: Wire.query("x", edns: (512, 3)), view, isStream: false)
        else {
            Issue.record("not answered")
            return
        }
        #expect(Wire.records(refusal).map(\.type) == [41])
    }
}
