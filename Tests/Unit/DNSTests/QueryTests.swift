import DNS
import Testing

@Suite struct QueryTests {
    private func rejection(_ message: [UInt8]) -> ResponseCode? {
        if case .rejected(_, let code) = Query.read(message) { code } else { nil }
    }

    private func isIgnored(_ message: [UInt8]) -> Bool {
        if case .noQuery = Query.read(message) { true } else { false }
    }

    @Test func aQueryIsRead() throws {
        let query = try #require(Wire.read(Wire.query("Web.mynet", RecordType.address6)))
        #expect(query.name == DomainName("Web.mynet"))
        #expect(query.type == 28 && query.recordClass == 1 && query.edns == nil)
        #expect(query.answerLimit(isStream: false) == 512)
        #expect(query.answerLimit(isStream: true) == 65535)
    }

    @Test func theSizeThatTheClientTakesIsFound() throws {
        let query = try #require(Wire.read(Wire.query("web", edns: (1400, 0))))
        #expect(query.edns?.size == 1400 && query.edns?.version == 0)
        #expect(query.answerLimit(isStream: false) == 1400)
        // Less than 512 is no size (RFC 6891 section 6.2.3).
        #expect(Wire.read(Wire.query("web", edns: (100, 0)))?.answerLimit(isStream: false) == 512)
    }

    @Test func whatIsNoQueryIsNotAnswered() {
        #expect(isIgnored([]))
        #expect(isIgnored(Array(Wire.query("web").prefix(11))))
        #expect(isIgnored(Wire.query("web", flags: 0x8180)))
    }

    @Test func malformedQueriesAreRejected() {
        let good = Wire.query("web.mynet", edns: (1232, 0))
        for end in 12..<good.count { #expect(rejection(Array(good[..<end])) == .formatError, "\(end) bytes") }
        var none = good
        none[5] = 0
        #expect(rejection(none) == .formatError)
        var two = good
        two[5] = 2
        #expect(rejection(two) == .formatError)
        // Two records of EDNS.
        var twice = good + good.suffix(11)
        twice[11] = 2
        #expect(rejection(twice) == .formatError)
        #expect(rejection(Wire.query("web", flags: 0x2800)) == .notImplemented)
        #expect(rejection(good + [UInt8](repeating: 0, count: Query.limit)) == .formatError)
    }

    @Test func anyBytesAreReadAndTheirAnswersAreWellFormed() throws {
        var random = FixedRandom(2)
        var table = NameTable()
        table.set(
            NameTable.Endpoint(
                id: "e", network: "n", networkName: "mynet", names: ["web"], addresses: [[10, 0, 0, 1]]))
        let view = NameView(networks: ["n"], links: ["db": "web"], isForwarding: false)
        for round in 0..<20_000 {
            var bytes = Wire.query(
                ["web", "WEB.mynet", "db", "1.0.0.10.in-addr.arpa", "other"].randomElement(using: &random)
                    ?? "",
                UInt16.random(in: 0...40, using: &random), edns: Bool.random(using: &random) ? (1232, 0) : nil
            )
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            if round % 5 == 0 { bytes = random.bytes(Int.random(in: 0...200, using: &random)) }
            guard case .answer(let answer) = table.respond(to: bytes, view, isStream: false) else { continue }
            let header = try #require(MessageHeader(answer))
            #expect(header.isResponse && header.id == MessageHeader(bytes)?.id, "round \(round)")
            #expect(answer.count <= 65535)
            #expect(Wire.records(answer).count == Int(header.answers + header.additionals), "round \(round)")
        }
    }
}
