// linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h, linux/pkt_sched.h

enum RouteMessage {
    static let newLink: UInt16 = 16
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let newAddress: UInt16 = 20
    static let deleteAddress: UInt16 = 21
    static let getAddress: UInt16 = 22
    static let newRoute: UInt16 = 24
    static let deleteRoute: UInt16 = 25
    static let getRoute: UInt16 = 26
    static let newQueueingDiscipline: UInt16 = 36
    static let deleteQueueingDiscipline: UInt16 = 37
    static let getQueueingDiscipline: UInt16 = 38
}

enum LinkAttribute {
    static let address: UInt16 = 1
    static let name: UInt16 = 3
    static let mtu: UInt16 = 4
    static let lower: UInt16 = 5
    static let master: UInt16 = 10
    static let linkInfo: UInt16 = 18
    static let alias: UInt16 = 20
    static let perFamily: UInt16 = 26
    static let namespaceDescriptor: UInt16 = 28

    // Nested in linkInfo.
    static let kind: UInt16 = 1
    static let data: UInt16 = 2
    static let slaveKind: UInt16 = 4
    static let slaveData: UInt16 = 5

    // Nested in data of a veth.
    static let vethPeer: UInt16 = 1

    // Nested in data of a macvlan, an ipvlan, a VLAN.
    static let macvlanMode: UInt16 = 1
    static let ipvlanMode: UInt16 = 1
    static let ipvlanFlags: UInt16 = 2
    static let vlanIdentifier: UInt16 = 1

    // Nested in data of a bridge.
    static let bridgeSTPState: UInt16 = 5

    // Nested in slaveData of a bridge port.
    static let portHairpin: UInt16 = 4
    static let portLearning: UInt16 = 8
    static let portUnicastFlood: UInt16 = 9
    static let portFlush: UInt16 = 24
    static let portMulticastFlood: UInt16 = 27
    static let portBroadcastFlood: UInt16 = 30
    static let portIsolated: UInt16 = 33

    // Nested in perFamily, AF_INET6.
    static let addressGenerationMode: UInt16 = 8
    static let generationModeNone: UInt8 = 1
}

enum AddressAttribute {
    static let address: UInt16 = 1
    static let local: UInt16 = 2
    static let broadcast: UInt16 = 4
    static let flags: UInt16 = 8
    static let noDuplicateDetection: UInt32 = 0x02
}

enum RouteAttribute {
    static let destination: UInt16 = 1
    static let outputInterface: UInt16 = 4
    static let gateway: UInt16 = 5
    static let table: UInt16 = 15

    static let mainTable: UInt8 = 254
    static let protocolBoot: UInt8 = 3
    static let scopeUniverse: UInt8 = 0
    /// In a deletion: of any scope.
    static let scopeNowhere: UInt8 = 255
    static let typeUnicast: UInt8 = 1
}

enum QueueAttribute {
    static let kind: UInt16 = 1
    static let options: UInt16 = 2

    // Nested in options of a token bucket filter.
    static let bucketParameters: UInt16 = 1
    static let bucketRate64: UInt16 = 4
    static let bucketBurst: UInt16 = 6

    static let root: UInt32 = 0xffff_ffff
    static let ethernet: UInt8 = 1
}
