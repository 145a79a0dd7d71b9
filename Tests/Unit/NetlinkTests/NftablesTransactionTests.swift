import Testing

@testable import Netlink

@Suite struct NftablesTransactionTests {
    @Test func aTransactionIsABatchWhoseLastStepIsAcknowledged() {
        var transaction = NftablesTransaction(table: "t")
        transaction.addTable()
        #expect(
            transaction.finished().numbered(from: 1) == [
                20, 0, 0, 0, 0x10, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0,  // NFNL_MSG_BATCH_BEGIN
                0, 0, 0, 10,  // struct nfgenmsg: res_id is the subsystem, big-endian
                // NFT_MSG_NEWTABLE: create, request, acknowledge
                28, 0, 0, 0, 0, 10, 5, 4, 2, 0, 0, 0, 0, 0, 0, 0,
                1, 0, 0, 0,  // NFPROTO_INET
                6, 0, 1, 0, 0x74, 0, 0, 0,  // NFTA_TABLE_NAME "t"
                20, 0, 0, 0, 0x11, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0,  // NFNL_MSG_BATCH_END
                0, 0, 0, 10,
            ])
    }

    @Test func anElementOfAMapIsKeyAndData() {
        var transaction = NftablesTransaction(table: "t")
        transaction.addElements(
            "m",
            [NftablesElement(key: NftablesElement.concatenated([[6], [0x1f, 0x90]]), value: [1, 2, 3, 4])])
        let message = NetlinkMessage.parse(transaction.finished().numbered(from: 1)[...])[1]
        #expect(message.type == 10 << 8 | 12)
        #expect(
            Array(message.payload) == [
                1, 0, 0, 0,
                6, 0, 1, 0, 0x74, 0, 0, 0,  // table
                6, 0, 2, 0, 0x6d, 0, 0, 0,  // set
                36, 0, 3, 0x80,  // elements
                32, 0, 1, 0x80,  // one of them
                16, 0, 1, 0x80, 12, 0, 1, 0, 6, 0, 0, 0, 0x1f, 0x90, 0, 0,  // key: tcp . 8080
                12, 0, 2, 0x80, 8, 0, 1, 0, 1, 2, 3, 4,  // data
            ])
    }

    @Test func aRuleIsAListOfNamedExpressions() {
        var transaction = NftablesTransaction(table: "t")
        transaction.addRule("c", [.verdict(.jump("d"))])
        let message = NetlinkMessage.parse(transaction.finished().numbered(from: 1)[...])[1]
        #expect(
            Array(message.payload) == [
                1, 0, 0, 0,
                6, 0, 1, 0, 0x74, 0, 0, 0,
                6, 0, 2, 0, 0x63, 0, 0, 0,
                60, 0, 4, 0x80,  // NFTA_RULE_EXPRESSIONS
                56, 0, 1, 0x80,  // NFTA_LIST_ELEM
                14, 0, 1, 0, 0x69, 0x6d, 0x6d, 0x65, 0x64, 0x69, 0x61, 0x74, 0x65, 0, 0, 0,  // "immediate"
                36, 0, 2, 0x80,  // NFTA_EXPR_DATA
                8, 0, 1, 0, 0, 0, 0, 0,  // the verdict register
                24, 0, 2, 0x80,
                20, 0, 2, 0x80,  // NFTA_DATA_VERDICT
                8, 0, 1, 0, 0xff, 0xff, 0xff, 0xfd,  // NFT_JUMP
                6, 0, 2, 0, 0x64, 0, 0, 0,
            ])
    }

    @Test func manyElementsAreSplitSoThatEveryListFitsItsLength() throws {
        var transaction = NftablesTransaction(table: "t")
        transaction.addElements(
            "m",
            (0..<5000).map { NftablesElement(key: [UInt8($0 >> 8), UInt8($0 & 255)], value: [0, 0, 0, 0]) })
        let batch = transaction.finished()
        #expect(!batch.isTooLong)
        let messages = NetlinkMessage.parse(batch.numbered(from: 1)[...])
        let counts = messages.dropFirst().dropLast().map { message in
            message.attributes(after: 4)[3]?.nested.reduce(0) { count, _ in count + 1 } ?? 0
        }
        #expect(counts.reduce(0, +) == 5000)
    }

    @Test func aLengthThatDoesNotFitIsRememberedInsteadOfTruncated() {
        var batch = MessageBatch()
        batch.message(1, [], name: "") { $0.attribute(1, [UInt8](repeating: 0, count: 70_000)) }
        #expect(batch.isTooLong)
    }

    @Test func removalsFromATableAreToldApart() throws {
        var transaction = NftablesTransaction(table: "mine")
        transaction.deleteTable()
        transaction.addTable()
        let notifications = NetlinkMessage.parse(transaction.finished().numbered(from: 1)[...])
            .map { NftablesNotification($0).removedFrom }
        #expect(notifications == [nil, "mine", nil, nil])
    }
}
