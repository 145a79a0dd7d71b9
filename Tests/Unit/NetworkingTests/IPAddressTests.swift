import Networking
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        "0.0.0.0", "255.255.255.255", "172.17.0.2", "::", "::1", "fe80::1", "2001:db8::1:0:0:1", "1::",
        "2001:0:0:1::1",
        "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8",
    ])
    func textOfAnAddressReadsBack(text: String) {
        #expect(IPAddress(text)?.description == text)
    }

    @Test(arguments: [
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"), ("::1.2.3.4", "::102:304"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("FE80::A", "fe80::a"), ("0:0:0:0:0:0:0:0", "::"),
    ])
    func otherSpellingsBecomeTheCanonicalOne(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", ".", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "+1.2.3.4", ":", ":::", "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1.2.3", "1.2.3.4::", "fe80::1%eth0", "::-1", "::+1",
        "1:2:3:4:5:6:7::8",
    ])
    func textThatIsNoAddressIsRefused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func blocksContainOverlapAndEnd() throws {
        let block = try #require(AddressBlock("172.17.5.9/16"))
        #expect(block.network.description == "172.17.0.0/16")
        #expect(block.last.description == "172.17.255.255")
        #expect(block.contains(try #require(IPAddress("172.17.1.1"))))
        #expect(!block.contains(try #require(IPAddress("172.18.1.1"))))
        #expect(block.overlaps(try #require(AddressBlock("172.0.0.0/8"))))
        #expect(!block.overlaps(try #require(AddressBlock("fd00::/8"))))
        #expect(try #require(AddressBlock("0.0.0.0/0")).contains(.v4(.loopback)))
        #expect(
            try #require(AddressBlock("::/0")).last.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
        for text in ["1.2.3.4", "1.2.3.4/33", "::/129", "1.2.3.4/-1", "1.2.3.4/+8", "/8", "1.2.3.4/"] {
            #expect(AddressBlock(text) == nil)
        }
    }

    @Test func aHardwareAddressIsDerivedFromTheAddress() {
        #expect(MACAddress(of: IPv4Address(0xac11_0002)).description == "02:42:ac:11:00:02")
        #expect(MACAddress("02:42:AC:11:00:02")?.description == "02:42:ac:11:00:02")
        for text in ["", "02:42", "02:42:ac:11:00:0g", "2:42:ac:11:00:02", "02:42:ac:11:00:02:03"] {
            #expect(MACAddress(text) == nil)
        }
    }

    @Test func randomTextNeverCrashesTheReaders() {
        let characters = Array("0123456789abcdef:.:/%[]xg-+ ")
        for _ in 0..<20_000 {
            let text = String((0..<Int.random(in: 0...24)).map { _ in characters.randomElement() ?? "0" })
            if let address = IPAddress(text) { #expect(IPAddress(address.description) == address) }
            _ = AddressBlock(text)
            _ = MACAddress(text)
            _ = try? PortRequest(port: text, hostIP: "", hostPort: text)
        }
    }
}
