// linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h

enum NftablesMessage {
    static let subsystem: UInt16 = 10 << 8
    static let batchBegin: UInt16 = 0x10
    static let batchEnd: UInt16 = 0x11

    static let newTable: UInt16 = 0
    static let getTable: UInt16 = 1
    static let deleteTable: UInt16 = 2
    static let newChain: UInt16 = 3
    static let getChain: UInt16 = 4
    static let deleteChain: UInt16 = 5
    static let newRule: UInt16 = 6
    static let getRule: UInt16 = 7
    static let deleteRule: UInt16 = 8
    static let newSet: UInt16 = 9
    static let getSet: UInt16 = 10
    static let deleteSet: UInt16 = 11
    static let newElement: UInt16 = 12
    static let getElement: UInt16 = 13
    static let deleteElement: UInt16 = 14
    static let newGeneration: UInt16 = 15
}

enum NftablesAttribute {
    // Table, chain, rule and set begin alike.
    static let table: UInt16 = 1
    static let listElement: UInt16 = 1

    static let chainName: UInt16 = 3
    static let chainHook: UInt16 = 4
    static let chainPolicy: UInt16 = 5
    static let chainType: UInt16 = 7
    static let hookNumber: UInt16 = 1
    static let hookPriority: UInt16 = 2
    static let hookDevice: UInt16 = 3

    static let ruleChain: UInt16 = 2
    static let ruleExpressions: UInt16 = 4
    static let expressionName: UInt16 = 1
    static let expressionData: UInt16 = 2

    static let setName: UInt16 = 2
    static let setFlags: UInt16 = 3
    static let setKeyType: UInt16 = 4
    static let setKeyLength: UInt16 = 5
    static let setDataType: UInt16 = 6
    static let setDataLength: UInt16 = 7
    static let setID: UInt16 = 10
    static let setUserData: UInt16 = 13

    static let elementListSet: UInt16 = 2
    static let elementList: UInt16 = 3
    static let elementKey: UInt16 = 1
    static let elementData: UInt16 = 2
    static let elementFlags: UInt16 = 3

    static let dataValue: UInt16 = 1
    static let dataVerdict: UInt16 = 2
    static let verdictCode: UInt16 = 1
    static let verdictChain: UInt16 = 2
}

/// The multicast group on which the kernel tells of changes to nftables.
package let nftablesNotifications: UInt32 = 7
