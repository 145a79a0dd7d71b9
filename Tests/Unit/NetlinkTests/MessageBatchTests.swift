import Testing

@testable import Netlink

@Suite struct MessageBatchTests {
    @Test func aMessageIsHeaderFixedPartAndPaddedAttributes() {
        var batch = MessageBatch()
        batch.message(16, [.request, .acknowledge], name: "RTM_NEWLINK") {
            $0.append(UInt32(7))
            $0.attribute(3, string: "lo")
            $0.nested(18) { $0.attribute(1, number: UInt16(0x1234)) }
        }
        #expect(
            batch.numbered(from: 9) == [
                40, 0, 0, 0,  // nlmsg_len
                16, 0, 5, 0,  // nlmsg_type, nlmsg_flags
                9, 0, 0, 0,  // nlmsg_seq
                0, 0, 0, 0,  // nlmsg_pid
                7, 0, 0, 0,  // fixed header
                7, 0, 3, 0, 0x6c, 0x6f, 0, 0,  // "lo" with NUL, padded
                12, 0, 18, 0x80,  // nested
                6, 0, 1, 0, 0x34, 0x12, 0, 0,  // a number
            ])
    }
}
