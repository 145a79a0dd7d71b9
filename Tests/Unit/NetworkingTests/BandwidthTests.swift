import Testing

@testable import Networking

@Suite struct BandwidthTests {
    @Test(arguments: [
        ("10mbit", 1_250_000), ("8kbit", 1000), ("1.5gbit", 187_500_000), ("1gbps", 1_000_000_000),
        ("64kibit", 8192), ("1Mbit", 125_000), ("8000", 1000), ("40gbit", 5_000_000_000),
    ])
    func aRateIsReadWithTheUnitsOfTC(text: String, bytes: UInt64) throws {
        #expect(try Bandwidth(options: ["skiff.rate": text])?.rate == bytes)
    }

    @Test(arguments: ["", "mbit", "10 mbit", "-1mbit", "10mbits", "1e9", "٣mbit", "1.2.3mbit", "7kbit", "0"])
    func whatIsNoRateIsRefusedByName(text: String) {
        let error = #expect(throws: NetworkError.self) { try Bandwidth(options: ["skiff.rate": text]) }
        #expect(error?.message.contains("skiff.rate") == true)
    }

    @Test(arguments: [("64kb", 65536), ("3000", 3000), ("1m", 1 << 20), ("80kbit", 10240)])
    func aBurstIsReadWithTheUnitsOfTC(text: String, bytes: UInt32) throws {
        #expect(try Bandwidth(options: ["skiff.rate": "1mbit", "skiff.burst": text])?.burst == bytes)
    }

    @Test(arguments: [
        ["skiff.burst": "64kb"], ["skiff.rate": "1mbit", "skiff.burst": "many"],
        ["skiff.rate": "1mbit", "skiff.burst": "100"], ["skiff.rate": "1mbit", "skiff.burst": "8g"],
    ])
    func aBurstThatCannotWorkIsRefused(options: [String: String]) {
        let error = #expect(throws: NetworkError.self) { try Bandwidth(options: options) }
        #expect(error?.message.contains("skiff.burst") == true)
    }

    @Test func otherOptionsAskForNoLimit() throws {
        #expect(try Bandwidth(options: ["com.docker.network.endpoint.ifname": "lan0"]) == nil)
    }

    @Test func aFastLinkHasTenMillisecondsOfBurst() throws {
        #expect(try Bandwidth(options: ["skiff.rate": "10mbit"])?.burst == 65536)
        #expect(try Bandwidth(options: ["skiff.rate": "1gbit"])?.burst == 1_250_000)
    }
}
