import DNS
import Testing

@Suite struct DomainNameTests {
    @Test func textBecomesLabelsAndBack() throws {
        let name = try #require(DomainName("Web.example.ORG."))
        #expect(name.bytes == Wire.name("Web.example.ORG"))
        #expect(name == DomainName("Web.example.ORG"))
        #expect(name.description == "Web.example.ORG")
        #expect(name.folded == DomainName("web.EXAMPLE.org")?.folded)
        #expect(name.folded.bytes == Wire.name("web.example.org"))
        #expect(DomainName("a_b-1")?.description == "a_b-1")
    }

    @Test(arguments: [
        "", ".", "a..b", ".a", String(repeating: "x", count: 64), "a" + String(repeating: ".abc", count: 64),
    ])
    func whatIsNoNameIsRefused(text: String) {
        #expect(DomainName(text) == nil)
    }

    @Test func theLongestNamesFit() throws {
        // 3 × 64 + 62 and the zero: 255 bytes.
        let labels = [63, 63, 63, 61].map { String(repeating: "x", count: $0) }
        let name = try #require(DomainName(labels.joined(separator: ".")))
        #expect(name.bytes.count == 255)
        var offset = 0
        #expect(DomainName.read(name.bytes, at: &offset) == name)
        #expect(offset == 255)
        let longer = name.bytes.dropLast() + [1, 0x78, 0]
        offset = 0
        #expect(DomainName.read(Array(longer), at: &offset) == nil)
        #expect(name.below(DomainName("a")!) == nil)
        #expect(DomainName("web")?.below(DomainName("mynet")!) == DomainName("web.mynet"))
    }

    @Test func pointersLeadBackwardsOnly() {
        let message =
            [UInt8](repeating: 7, count: 4) + Wire.name("example.org") + [3] + Array("web".utf8) + [
                0xc0, 4, 9,
            ]
        var offset = 17
        #expect(DomainName.read(message, at: &offset) == DomainName("web.example.org"))
        #expect(offset == 23)
        // To itself, forwards, and out of the message.
        for target: UInt8 in [0, 2, 200] {
            offset = 0
            #expect(DomainName.read([0xc0, target, 0xc0, 0], at: &offset) == nil)
        }
        // Two that lead to each other.
        offset = 2
        #expect(DomainName.read([0xc0, 2, 0xc0, 0], at: &offset) == nil)
        // A pointer back into the name that it ends.
        offset = 0
        #expect(DomainName.read([1, 0x61, 0xc0, 0], at: &offset) == nil)
        // The reserved kinds of labels.
        for kind: UInt8 in [0x40, 0x80] {
            offset = 0
            #expect(DomainName.read([kind, 0, 0], at: &offset) == nil)
        }
    }

    @Test func oddBytesAreWrittenAsInZoneFiles() {
        var offset = 0
        let name = DomainName.read([4, 0x61, 0x2e, 0, 0xff, 0], at: &offset)
        #expect(name?.description == "a\\.\\000\\255")
    }

    @Test(
        arguments: [
            ("4.3.2.1.in-addr.arpa", [1, 2, 3, 4]), ("255.0.255.0.IN-ADDR.ARPA", [0, 255, 0, 255]),
            (
                "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa",
                [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
            ),
        ] as [(String, [UInt8])])
    func reverseNamesAreAddresses(text: String, address: [UInt8]) {
        #expect(DomainName(text)?.reverseAddress == address)
    }

    @Test(arguments: [
        "in-addr.arpa", "3.2.1.in-addr.arpa", "256.3.2.1.in-addr.arpa", "+1.3.2.1.in-addr.arpa",
        "5.4.3.2.1.in-addr.arpa", "web", "4.3.2.1.in-addr.org", "4.3.2.1.arpa", "0001.3.2.1.in-addr.arpa",
        "g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "1.0.ip6.arpa",
    ])
    func otherNamesAreNot(text: String) {
        #expect(DomainName(text)?.reverseAddress == nil)
    }

    @Test func anyBytesAreReadWithinTheirBounds() {
        var random = FixedRandom(1)
        for round in 0..<20_000 {
            var bytes = random.bytes(Int.random(in: 0...80, using: &random))
            // Small lengths and pointers lead further than noise does.
            for index in bytes.indices where Int.random(in: 0...2, using: &random) == 0 {
                bytes[index] = [0, 1, 2, 3, 0xc0, UInt8(index & 0x3f)].randomElement(using: &random) ?? 0
            }
            var offset = Int.random(in: 0...bytes.count, using: &random)
            let start = offset
            guard let name = DomainName.read(bytes, at: &offset) else { continue }
            #expect((1...255).contains(name.bytes.count) && name.bytes.last == 0, "round \(round)")
            #expect(offset > start && offset <= bytes.count)
            // What was read is a name without compression.
            var again = 0
            #expect(DomainName.read(name.bytes, at: &again) == name && again == name.bytes.count)
            _ = (name.description, name.reverseAddress, name.folded)
        }
    }
}
