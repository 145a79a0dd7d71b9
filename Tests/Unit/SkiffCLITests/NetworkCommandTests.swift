import JSONCodec
import Testing

@testable import SkiffCLI

@Suite struct AddressPoolTests {
    private func pools(
        _ subnets: [String], ranges: [String] = [], gateways: [String] = [], auxiliary: [String] = []
    ) throws(CommandError) -> String {
        try AddressPools(subnets: subnets, ranges: ranges, gateways: gateways, auxiliary: auxiliary).json
            .text()
    }

    @Test func rangesGatewaysAndAuxiliaryAddressesGoToTheirSubnets() throws {
        #expect(try pools([]) == "[]")
        #expect(try pools(["nonsense"]) == #"[{"Subnet":"nonsense"}]"#, "the daemon judges what stands alone")
        let text = try pools(
            ["10.1.0.0/16", "fd00::/64"], ranges: ["10.1.2.0/24"], gateways: ["fd00::1", "10.1.0.1"],
            auxiliary: ["a=10.1.0.5", "b=fd00::5", "c=10.1.0.6"])
        #expect(
            text == #"[{"Subnet":"10.1.0.0/16","IPRange":"10.1.2.0/24","Gateway":"10.1.0.1","#
                + #""AuxiliaryAddresses":{"a":"10.1.0.5","c":"10.1.0.6"}},"#
                + #"{"Subnet":"fd00::/64","Gateway":"fd00::1","AuxiliaryAddresses":{"b":"fd00::5"}}]"#)
    }

    @Test(arguments: [
        (
            ["10.1.0.0/16", "10.1.1.0/24"], [], [],
            "multiple overlapping subnet configuration is not supported"
        ),
        (
            ["10.1.1.0/24", "10.0.0.0/8"], [], [],
            "multiple overlapping subnet configuration is not supported"
        ),
        (["x", "10.0.0.0/8"], [], [], "invalid subnet: invalid CIDR address: x"),
        ([], ["10.0.0.0/8"], [], "every ip-range or gateway must have a corresponding subnet"),
        ([], [], ["10.0.0.1"], "every ip-range or gateway must have a corresponding subnet"),
        (["10.1.0.0/16"], ["10.2.0.0/24"], [], "no matching subnet for range 10.2.0.0/24"),
        (["10.1.0.0/16"], ["10.1.0.1"], [], "invalid CIDR address: 10.1.0.1"),
        (["10.1.0.0/16"], [], ["x"], "no matching subnet for gateway x"),
        (["10.1.0.0/16"], [], ["fd00::1"], "no matching subnet for gateway fd00::1"),
        (["10.1.0.0/16"], [], ["10.1.0.1/99"], "invalid CIDR address: 10.1.0.1/99"),
        (["10.1.0.0/x"], [], ["10.1.0.1"], "invalid subnet: invalid CIDR address: 10.1.0.0/x"),
        (
            ["10.1.0.0/16", "10.2.0.0/16"], [], ["10.1.0.1", "10.1.0.2"],
            "cannot configure multiple gateways (10.1.0.2, 10.1.0.1) for the same subnet (10.1.0.0/16)"
        ),
        (
            ["10.1.0.0/16", "10.2.0.0/16"], ["10.1.1.0/24", "10.1.2.0/24"], [],
            "cannot configure multiple ranges (10.1.2.0/24, 10.1.1.0/24) on the same subnet (10.1.0.0/16)"
        ),
    ])
    func whatDoesNotFitIsRefusedInDockersWords(
        _ subnets: [String], _ ranges: [String], _ gateways: [String], _ message: String
    ) {
        do throws(CommandError) {
            _ = try pools(subnets, ranges: ranges, gateways: gateways)
            Issue.record("nothing was refused")
        } catch {
            #expect(error.message == message)
        }
    }

    @Test func anAuxiliaryAddressNeedsASubnet() {
        do throws(CommandError) {
            _ = try pools(["10.1.0.0/16"], auxiliary: ["a=10.2.0.1"])
            Issue.record("nothing was refused")
        } catch {
            #expect(error.message == "no matching subnet for aux-address 10.2.0.1")
        }
    }

    @Test func prefixesNeedNotEndAtAByte() throws {
        #expect(throws: CommandError.self) { _ = try pools(["10.1.0.0/17"], gateways: ["10.1.128.1"]) }
        #expect(try pools(["10.1.0.0/17"], gateways: ["10.1.127.1"]).contains("10.1.127.1"))
        #expect(try pools(["0.0.0.0/0"], gateways: ["203.0.113.9"]).contains("203.0.113.9"))
        #expect(try pools(["fd00::/127"], gateways: ["fd00::1"]).contains("fd00::1"))
        #expect(throws: CommandError.self) { _ = try pools(["fd00::/127"], gateways: ["fd00::2"]) }
    }
}

@Suite struct OwnCommandTests {
    @Test func portAdditionsAreSkiffsOnly() throws {
        let words = ["port", "add", "web", "8080:80"]
        let own = try #require(CommandTable.find(words, program: "skiff"))
        #expect(own.command.paths.contains("port add") && own.length == 2)
        // Docker's would be the ports of a container called so.
        let dockers = try #require(CommandTable.find(words, program: "docker"))
        #expect(dockers.command.paths.contains("port") && dockers.length == 1)
        let long = try #require(
            CommandTable.find(["container", "port", "rm", "web", "80"], program: "skiff"))
        #expect(long.command.paths.contains("port rm") && long.length == 3)
        let plain = try #require(CommandTable.find(["container", "port", "web"], program: "skiff"))
        #expect(plain.command.paths.contains("port") && plain.length == 2)
    }
}
