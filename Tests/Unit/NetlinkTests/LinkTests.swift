import Testing

@testable import Netlink

@Suite struct LinkTests {
    private func message(_ build: (inout MessageBatch) -> Void) throws -> NetlinkMessage {
        var batch = MessageBatch()
        build(&batch)
        return try #require(NetlinkMessage.parse(batch.numbered(from: 1)[...]).first)
    }

    @Test func aMacvlanIsBornOnItsParentInAnotherNamespace() throws {
        let message = try message {
            $0.createSharedLink(
                SharedLink(
                    kind: .macvlan(.vepa), name: "eth0", parent: 7, address: [2, 0x42, 1, 2, 3, 4], mtu: 1400,
                    namespace: 9))
        }
        #expect(message.type == 16)
        #expect(
            Array(message.payload) == [
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // struct ifinfomsg
                9, 0, 3, 0, 0x65, 0x74, 0x68, 0x30, 0, 0, 0, 0,  // IFLA_IFNAME "eth0"
                8, 0, 5, 0, 7, 0, 0, 0,  // IFLA_LINK
                8, 0, 28, 0, 9, 0, 0, 0,  // IFLA_NET_NS_FD
                10, 0, 1, 0, 2, 0x42, 1, 2, 3, 4, 0, 0,  // IFLA_ADDRESS
                8, 0, 4, 0, 0x78, 5, 0, 0,  // IFLA_MTU
                28, 0, 18, 0x80,  // IFLA_LINKINFO
                12, 0, 1, 0, 0x6d, 0x61, 0x63, 0x76, 0x6c, 0x61, 0x6e, 0,  // IFLA_INFO_KIND "macvlan"
                12, 0, 2, 0x80, 8, 0, 1, 0, 2, 0, 0, 0,  // IFLA_INFO_DATA: IFLA_MACVLAN_MODE vepa
            ])
    }

    @Test func anIPvlanHasModeAndFlag() throws {
        let message = try message {
            $0.createSharedLink(
                SharedLink(
                    kind: .ipvlan(.l3s, .isolated), name: "eth1", parent: 2, address: nil, mtu: nil,
                    namespace: 3))
        }
        let information = try #require(message.attributes(after: 16)[18]?.nested)
        #expect(information[1]?.string == "ipvlan")
        #expect(information[2]?.nested[1]?.number(UInt16.self) == 2)
        #expect(information[2]?.nested[2]?.number(UInt16.self) == 1)
    }

    @Test func aSubInterfaceHasParentAndNumber() throws {
        let message = try message { $0.createVLAN("eth0.50", parent: 2, identifier: 50) }
        let attributes = message.attributes(after: 16)
        #expect(attributes[3]?.string == "eth0.50" && attributes[5]?.number(Int32.self) == 2)
        #expect(attributes[18]?.nested[1]?.string == "vlan")
        #expect(attributes[18]?.nested[2]?.nested[1]?.number(UInt16.self) == 50)
    }

    @Test func aTokenBucketIsParametersAndBurst() throws {
        let message = try message {
            $0.setTokenBucket(
                TokenBucket(rate: 1_250_000, burst: 65536, limit: 128_036), interface: 4, name: "veth0")
        }
        #expect(message.type == 36 && message.flags == [.request, .acknowledge, .create, .replace])
        #expect(
            Array(message.payload) == [
                0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,  // struct tcmsg
                8, 0, 1, 0, 0x74, 0x62, 0x66, 0,  // TCA_KIND "tbf"
                52, 0, 2, 0x80,  // TCA_OPTIONS
                40, 0, 1, 0,  // TCA_TBF_PARMS
                0, 1, 0, 0, 0, 0, 0, 0, 0xd0, 0x12, 0x13, 0,  // rate: Ethernet, 1,250,000 bytes/s
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // no peak rate
                0x24, 0xf4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // limit, buffer, mtu
                8, 0, 6, 0, 0, 0, 1, 0,  // TCA_TBF_BURST
            ])
        #expect(
            QueueingDiscipline(message)
                == QueueingDiscipline(interface: 4, kind: "tbf", isRoot: true, rate: 1_250_000))
    }

    @Test func aRateBeyondFourGigabytesHasItsOwnAttribute() throws {
        let message = try message {
            $0.setTokenBucket(
                TokenBucket(rate: 5_000_000_000, burst: 65536, limit: 100_000), interface: 4, name: "veth0")
        }
        #expect(QueueingDiscipline(message)?.rate == 5_000_000_000)
    }

    @Test func aRuleOfTheFamilyNetdevLimitsBytes() throws {
        var transaction = NftablesTransaction(table: "t", family: .netdev)
        transaction.addChain("c", hook: NftablesHook(.ingress, .filter, priority: 0, device: "eth0"))
        transaction.addRule("c", [.over(bytesPerSecond: 1_250_000, burst: 65536)])
        let messages = NetlinkMessage.parse(transaction.finished().numbered(from: 1)[...])
        #expect(messages[1].payload.first == 5)
        let hook = messages[1].attributes(after: 4)[4]?.nested
        #expect(hook?[3]?.string == "eth0" && hook?[1]?.number(UInt32.self) == 0)
        let expression = messages[2].attributes(after: 4)[4]?.nested[1]?.nested
        #expect(expression?[1]?.string == "limit")
        let limit = expression?[2]?.nested
        #expect(limit?[1]?.number(UInt64.self) == UInt64(1_250_000).bigEndian)
        #expect(limit?[2]?.number(UInt64.self) == UInt64(1).bigEndian)
        #expect(limit?[3]?.number(UInt32.self) == UInt32(65536).bigEndian)
    }
}
