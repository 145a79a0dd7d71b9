import Testing

@testable import Networking

@Suite struct SubnetChoiceTests {
    private func choose(_ inUse: [String]) throws -> String {
        try SubnetChoice.firstFree(
            of: SubnetChoice.defaultPools, inUse: inUse.compactMap { AddressBlock($0) }
        )
        .description
    }

    @Test(arguments: [
        ([], "172.17.0.0/16"),
        (["172.17.0.0/16"], "172.18.0.0/16"),
        (["172.17.42.1/32", "172.18.128.0/17"], "172.19.0.0/16"),
        (["172.16.0.0/12"], "192.168.0.0/20"),
        (["172.16.0.0/12", "192.168.1.0/24", "fd00::/8"], "192.168.16.0/20"),
        (["172.16.0.0/12", "192.168.0.0/16"], "10.192.0.0/20"),
    ])
    func theFirstSubnetThatNobodyUsesIsChosen(inUse: [String], chosen: String) throws {
        #expect(try choose(inUse) == chosen)
    }

    @Test func thePoolsHoldMoreThan255Networks() throws {
        var inUse: [AddressBlock] = []
        for _ in 0..<256 {
            inUse.append(try SubnetChoice.firstFree(of: SubnetChoice.defaultPools, inUse: inUse))
        }
        #expect(Set(inUse).count == 256)
    }

    @Test func runningOutNamesThePools() throws {
        let error = #expect(throws: NetworkError.self) {
            try choose(["172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/8"])
        }
        #expect(error?.code == .exhausted)
        #expect(error?.message.contains("192.168.0.0/16 in /20") == true)
    }
}
