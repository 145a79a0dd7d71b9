import OCIModel
import Testing

@testable import Networking

struct AddressPlanTests {
    private func record(_ subnets: [String], given: Bool = true) throws -> NetworkRecord {
        var record = NetworkRecord(name: "mine", id: "1", created: .zero, driver: .bridge)
        for text in subnets {
            let subnet = try #require(AddressBlock(text))
            record.ipamConfigurations.append(
                .init(
                    subnet: subnet, gateway: subnet.first.with(number: subnet.first.number + 1),
                    isSubnetGiven: given))
        }
        return record
    }

    private func allocate(
        _ plan: AddressPlan, _ record: NetworkRecord, _ address: String? = nil, _ addressV6: String? = nil
    ) throws -> Endpoint {
        var endpoint = Endpoint(id: "e", containerID: "c", containerName: "c", network: record)
        let request = EndpointRequest(
            containerID: "c", containerName: "c", network: "mine",
            address: address.flatMap { IPv4Address($0) },
            addressV6: addressV6.flatMap { IPv6Address($0) })
        try plan.allocate(request, for: &endpoint)
        return endpoint
    }

    @Test func severalSubnetsAreFilledOneAfterTheOtherAndAskedForByAddress() throws {
        let record = try record(["10.0.0.0/30", "10.0.1.0/29"])
        let plan = AddressPlan(record)
        let first = try allocate(plan, record)
        #expect(first.ipv4?.address.description == "10.0.0.2")
        let second = try allocate(plan, record)
        #expect(
            second.ipv4?.address.description == "10.0.1.2" && second.ipv4?.gateway?.description == "10.0.1.1")
        #expect(try allocate(plan, record, "10.0.1.5").ipv4?.prefixLength == 29)
        #expect(throws: NetworkError.self) { try allocate(plan, record, "10.0.1.5") }
        #expect(throws: NetworkError.self) { try allocate(plan, record, "10.0.1.1") }
        #expect(throws: NetworkError.self) { try allocate(plan, record, "10.0.2.5") }
        plan.release(first)
        #expect(try allocate(plan, record).ipv4?.address.description == "10.0.0.2")
    }

    @Test func addressesAreGivenOnRequestOnlyWhereTheSubnetWasAskedFor() throws {
        let chosen = try record(["10.0.0.0/24"], given: false)
        #expect(throws: NetworkError.self) { try allocate(AddressPlan(chosen), chosen, "10.0.0.9") }
        let noV6 = try record(["10.0.0.0/24"])
        #expect(throws: NetworkError.self) { try allocate(AddressPlan(noV6), noV6, nil, "fd00::9") }
    }

    @Test func aFailureInOneFamilyGivesTheOtherBack() throws {
        let record = try record(["10.0.0.0/24", "fd00::/64"])
        let plan = AddressPlan(record)
        let held = try allocate(plan, record, nil, "fd00::9")
        #expect(held.ipv6?.address.description == "fd00::9")
        #expect(throws: NetworkError.self) { try allocate(plan, record, nil, "fd00::9") }
        #expect(try allocate(plan, record).ipv4?.address.description == "10.0.0.3")
    }
}
