import Glibc
import Testing

@testable import Netlink

@Suite struct MessageReaderTests {
    @Test func whatWasBuiltReadsBack() throws {
        var batch = MessageBatch()
        batch.message(16, [.request], name: "a") {
            $0.append(UInt32(1))
            $0.attribute(3, string: "eth0")
            $0.nested(18) {
                $0.attribute(1, string: "veth")
                $0.attribute(2, number: UInt64(7))
            }
        }
        batch.message(17, [.request, .acknowledge], name: "b") { $0.append(contentsOf: [1, 2, 3]) }
        let messages = NetlinkMessage.parse(batch.numbered(from: 5)[...])
        #expect(messages.map(\.type) == [16, 17])
        #expect(messages.map(\.sequence) == [5, 6])
        let attributes = messages[0].attributes(after: 4)
        #expect(attributes[3]?.string == "eth0")
        #expect(attributes[18]?.nested[1]?.string == "veth")
        #expect(attributes[18]?.nested[2]?.number(UInt64.self) == 7)
        #expect(attributes[18]?.nested[2]?.number(UInt8.self) == 7)
        #expect(attributes[4] == nil)
        #expect(Array(messages[1].payload) == [1, 2, 3])
    }

    @Test func anInterfaceIsRead() throws {
        // RTM_NEWLINK: index 4, up, name, master 3, kind veth.
        var batch = MessageBatch()
        batch.message(16, [], name: "") {
            $0.append(contentsOf: [0, 0, 1, 0])
            $0.append(Int32(4))
            $0.append(UInt32(1))
            $0.append(UInt32(0))
            $0.attribute(3, string: "veth0a1b2c3")
            $0.attribute(4, number: UInt32(1500))
            $0.attribute(10, number: Int32(3))
            $0.nested(18) { $0.attribute(1, string: "veth") }
        }
        let link = try #require(NetlinkMessage.parse(batch.bytes[...]).first.flatMap { Link($0) })
        #expect(link.index == 4 && link.name == "veth0a1b2c3" && link.master == 3 && link.kind == "veth")
        #expect(link.mtu == 1500 && link.isUp)
    }

    /// Whatever bytes come, reading them ends and gives only what is there.
    @Test func randomBytesNeverCrashTheReader() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...120)).map { _ in UInt8.random(in: 0...255, using: &generator)
            }
            // Half of them look like messages of a plausible length.
            if bytes.count >= 16, Bool.random() {
                bytes[0] = UInt8(Int.random(in: 0...bytes.count))
                bytes[1] = 0
                bytes[2] = 0
                bytes[3] = 0
                bytes[4] = [16, 20, 24, 36, 2, 3, 0, 11][Int.random(in: 0..<8)]
                bytes[5] = [0, 1, 10][Int.random(in: 0..<3)]
            }
            if bytes.count >= 40, Bool.random() {
                bytes[32] = UInt8.random(in: 0...20)
                bytes[33] = 0
            }
            for message in NetlinkMessage.parse(bytes[...]) {
                #expect(message.payload.count <= bytes.count)
                _ = Link(message)
                _ = InterfaceAddress(message)
                _ = Route(message)
                _ = QueueingDiscipline(message)
                _ = TrackedConnection(message)
                _ = NftablesNotification(message)
                for attribute in message.attributes(after: 4) {
                    _ = attribute.string
                    for inner in attribute.nested { _ = inner.number(UInt32.self) }
                }
            }
        }
    }
}
