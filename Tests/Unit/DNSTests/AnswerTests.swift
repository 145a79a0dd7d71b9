import DNS
import Testing

@Suite struct AnswerTests {
    private func make(
        _ message: [UInt8], _ records: [Record], code: ResponseCode = .success, isStream: Bool = false
    ) throws -> (bytes: [UInt8], header: MessageHeader) {
        let query = try #require(Wire.read(message))
        let bytes = Answer.make(to: query, code: code, records, isStream: isStream)
        return (bytes, try #require(MessageHeader(bytes)))
    }

    @Test func anAddressIsToldAsAskedFor() throws {
        let answer = try make(Wire.query("WEB.MyNet"), [.address([10, 0, 0, 1])])
        #expect(
            answer.bytes
                == [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + Wire.name("WEB.MyNet") + [0, 1, 0, 1]
                + [0xc0, 12, 0, 1, 0, 1, 0, 0, 2, 0x58, 0, 4, 10, 0, 0, 1])
    }

    @Test func namesAndIPv6Addresses() throws {
        let address = (0..<16).map { UInt8($0) }
        let answer = try make(
            Wire.query("web", RecordType.any), [.address(address), .pointer(DomainName("web.mynet")!)])
        #expect(Wire.records(answer.bytes).map(\.type) == [28, 12])
        #expect(Wire.records(answer.bytes).map(\.data) == [address, Wire.name("web.mynet")])
    }

    @Test func nothingKnownOfTheTypeIsSuccessWithoutRecords() throws {
        let answer = try make(Wire.query("web", 28), [])
        #expect(answer.header.flags == 0x8180 && answer.header.answers == 0 && answer.header.questions == 1)
        #expect(try make(Wire.query("x", flags: 0), [], code: .serverFailure).header.flags == 0x8082)
    }

    @Test func whatDoesNotFitIsLeftOutAndSaidSo() throws {
        let records = (0..<300).map { Record.address([10, 0, UInt8($0 >> 8), UInt8($0 & 0xff)]) }
        let plain = try make(Wire.query("web"), records)
        #expect(plain.header.isTruncated && plain.bytes.count <= 512)
        #expect(plain.header.answers == (512 - 12 - 9) / 16)
        let larger = try make(Wire.query("web", edns: (1232, 0)), records)
        #expect(larger.header.isTruncated && larger.bytes.count <= 1232 && larger.bytes.count > 1200)
        let stream = try make(Wire.query("web"), records, isStream: true)
        #expect(!stream.header.isTruncated && stream.header.answers == 300)
    }

    @Test func aQueryWithOptionsGetsAnAnswerWithOptions() throws {
        let answer = try make(Wire.query("web", edns: (4096, 0)), [.address([1, 2, 3, 4])])
        #expect(Wire.records(answer.bytes).map(\.type) == [1, 41])
        let refused = try make(Wire.query("web", edns: (4096, 1)), [], code: .badVersion)
        #expect(refused.header.code == 0)
        // The upper bits of code 16 stand in the record's time to live.
        #expect(refused.bytes.suffix(6) == [1, 0, 0, 0, 0, 0])
    }
}

@Suite struct ForwardedQueryTests {
    private let client = Wire.query("Web.example.org", edns: (1232, 0))

    private func forwarded() throws -> ForwardedQuery {
        ForwardedQuery(try #require(Wire.read(client)), id: 0xbeef)
    }

    private func answer(
        _ name: String = "Web.example.org", _ type: UInt16 = 1, id: Int = 0xbeef, flags: Int = 0x8180,
        recordClass: Int = 1
    ) -> [UInt8] {
        Wire.query(name, type, id: id, flags: flags, recordClass: recordClass)
    }

    @Test func onlyTheNumberOfAQueryChanges() throws {
        let message = try forwarded().message
        #expect(message.prefix(2) == [0xbe, 0xef])
        #expect(message.dropFirst(2) == client.dropFirst(2))
    }

    @Test func onlyTheAnswerToTheQuestionCounts() throws {
        let query = try forwarded()
        #expect(query.read(answer()) == .answer)
        #expect(query.read(answer("wEB.EXAMPLE.org")) == .answer)
        #expect(query.read(answer(flags: 0x8183)) == .answer)
        #expect(query.read(answer(id: 0x1234)) == .foreign)
        #expect(query.read(answer(flags: 0x0180)) == .foreign)
        #expect(query.read(answer("web.example.com")) == .foreign)
        #expect(query.read(answer("Web.example.org", 28)) == .foreign)
        #expect(query.read(answer(recordClass: 3)) == .foreign)
        #expect(query.read([]) == .foreign)
        #expect(query.read(Array(answer().prefix(12))) == .foreign)
    }

    @Test func aServerThatCannotTellIsAFailure() throws {
        let query = try forwarded()
        for code in [1, 2, 4, 5] { #expect(query.read(answer(flags: 0x8180 | code)) == .failure) }
        // Servers that do not know EDNS answer with the header alone.
        #expect(query.read([0xbe, 0xef, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]) == .failure)
        #expect(query.read([0xbe, 0xef, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]) == .foreign)
    }

    @Test func theClientGetsItsOwnNumberAndNoMoreThanItTakes() throws {
        let query = try forwarded()
        let small = query.delivered(answer(), isStream: false)
        #expect(small.prefix(2) == [0x12, 0x34] && small.dropFirst(2) == answer().dropFirst(2))
        let large = answer() + [UInt8](repeating: 0, count: 2000)
        #expect(query.delivered(large, isStream: true).count == large.count)
        let cut = query.delivered(large, isStream: false)
        #expect(MessageHeader(cut)?.isTruncated == true && MessageHeader(cut)?.id == 0x1234)
        #expect(cut.count == 12 + Wire.name("Web.example.org").count + 4)
        #expect(MessageHeader(query.failed(isStream: false))?.code == ResponseCode.serverFailure.rawValue)
    }

    @Test func anyBytesAreReadAsAnswers() throws {
        var random = FixedRandom(3)
        let query = try forwarded()
        for _ in 0..<20_000 {
            var bytes = answer()
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            if query.read(bytes) != .foreign { #expect(bytes.prefix(2) == [0xbe, 0xef]) }
        }
    }
}
