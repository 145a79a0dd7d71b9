import Testing

@testable import Networking

@Suite struct AddressAllocatorTests {
    private func allocator(_ subnet: String, range: String? = nil, reserved: [String] = []) throws
        -> AddressAllocator
    {
        AddressAllocator(
            subnet: try #require(AddressBlock(subnet)), range: range.flatMap { AddressBlock($0) },
            reserved: reserved.compactMap { IPAddress($0) })
    }

    @Test func theLowestFreeAddressComesFirstAndAReleasedOneComesBack() throws {
        var addresses = try allocator("172.17.0.0/16", reserved: ["172.17.0.1"])
        #expect(addresses.allocate()?.description == "172.17.0.2")
        #expect(addresses.allocate()?.description == "172.17.0.3")
        addresses.release(.v4(IPv4Address(0xac11_0002)))
        #expect(addresses.allocate()?.description == "172.17.0.2")
        #expect(addresses.allocate()?.description == "172.17.0.4")
    }

    @Test func aSmallSubnetIsUsedUpWithoutItsEnds() throws {
        var addresses = try allocator("10.0.0.0/29", reserved: ["10.0.0.1"])
        let all = (0..<8).compactMap { _ in addresses.allocate()?.description }
        #expect(all == (2...6).map { "10.0.0.\($0)" })
        addresses.release(try #require(IPAddress("10.0.0.4")))
        #expect(addresses.allocate()?.description == "10.0.0.4")
        #expect(addresses.allocate() == nil)
    }

    @Test func aRangeLimitsWhatIsHandedOutButNotWhatIsAskedFor() throws {
        var addresses = try allocator("10.0.0.0/24", range: "10.0.0.128/30")
        #expect(
            (0..<5).compactMap { _ in addresses.allocate()?.description }
                == (128...131).map { "10.0.0.\($0)" })
        #expect(addresses.claim(try #require(IPAddress("10.0.0.5"))))
        #expect(!addresses.claim(try #require(IPAddress("10.0.0.5"))))
        #expect(!addresses.claim(try #require(IPAddress("10.0.0.129"))))
    }

    @Test func theHighestAddressesOfBothFamiliesDoNotOverflow() throws {
        var v4 = try allocator("255.255.255.252/30")
        #expect(
            (0..<4).compactMap { _ in v4.allocate()?.description } == ["255.255.255.253", "255.255.255.254"])
        var v6 = try allocator("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127")
        #expect((0..<4).compactMap { _ in v6.allocate() }.count == 2)
    }

    /// Over any sequence of calls no address is handed out twice, and each is in the range and the lowest free.
    @Test func noAddressIsEverHandedOutTwice() throws {
        for seed in 0..<50 {
            var addresses = try allocator("10.0.0.0/26", reserved: ["10.0.0.1"])
            var taken: Set<IPAddress> = []
            var state = UInt64(seed)
            for _ in 0..<400 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                switch state >> 60 {
                case 0..<9:
                    let lowest = (2...62).lazy.map { IPAddress.v4(IPv4Address(0x0a00_0000 + UInt32($0))) }
                        .first { !taken.contains($0) }
                    let allocated = addresses.allocate()
                    #expect(allocated == lowest)
                    if let allocated { taken.insert(allocated) }
                case 9..<14:
                    if let victim = taken.randomElement() {
                        addresses.release(victim)
                        taken.remove(victim)
                    }
                default:
                    let wanted = IPAddress.v4(IPv4Address(0x0a00_0000 + UInt32(state >> 40 & 63)))
                    let isEnd = [0, 1, 63].contains(Int(wanted.number & 63))
                    #expect(addresses.claim(wanted) == (!isEnd && !taken.contains(wanted)))
                    if !isEnd { taken.insert(wanted) }
                }
            }
        }
    }
}
