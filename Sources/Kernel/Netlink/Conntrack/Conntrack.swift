import Glibc
package import LinuxKernel

/// A tracked connection, as far as forgetting it needs: its two directions and its number.
package struct TrackedConnection: Sendable, Hashable {
    package struct Direction: Sendable, Hashable {
        package var source: [UInt8]
        package var destination: [UInt8]
        package var transport: UInt8
        package var sourcePort: UInt16
        package var destinationPort: UInt16
    }

    /// As the client sent it.
    package let original: Direction
    /// As the answer is expected: its source is where the connection was translated to.
    package let reply: Direction
    let family: UInt8
    /// The attributes that name it in a request, as received.
    let tuple: [UInt8]
    let number: [UInt8]

    package init?(_ message: NetlinkMessage) {
        guard message.type == ConntrackMessage.new, let family = message.payload.first else { return nil }
        let attributes = message.attributes(after: 4)
        guard let tuple = attributes[ConntrackAttribute.original]?.content,
            let reply = attributes[ConntrackAttribute.reply]?.content,
            let originalDirection = Direction(Attributes(tuple)),
            let replyDirection = Direction(Attributes(reply)),
            let number = attributes[ConntrackAttribute.number]?.content
        else { return nil }
        self.family = family
        self.tuple = Array(tuple)
        self.number = Array(number)
        original = originalDirection
        self.reply = replyDirection
    }
}

extension TrackedConnection.Direction {
    fileprivate init?(_ attributes: Attributes) {
        guard let addresses = attributes[1]?.nested, let ports = attributes[2]?.nested,
            let source = (addresses[1] ?? addresses[3])?.content,
            let destination = (addresses[2] ?? addresses[4])?.content,
            let transport: UInt8 = ports[1]?.number()
        else { return nil }
        func port(_ type: UInt16) -> UInt16 {
            (ports[type]?.number(UInt16.self)).map(UInt16.init(bigEndian:)) ?? 0
        }
        self.init(
            source: Array(source), destination: Array(destination), transport: transport, sourcePort: port(2),
            destinationPort: port(3))
    }
}

enum ConntrackMessage {
    static let new: UInt16 = 1 << 8
    static let get: UInt16 = 1 << 8 | 1
    static let delete: UInt16 = 1 << 8 | 2
}

enum ConntrackAttribute {
    static let original: UInt16 = 1
    static let reply: UInt16 = 2
    static let number: UInt16 = 12
}

/// The kernel's connection tracking, by ctnetlink.
package enum Conntrack {
    /// Forgets the connections that `matching` chooses, so that their next packet is translated afresh.
    /// - Parameter isIPv4: which family to look at
    /// - Returns: how many were forgotten
    @discardableResult
    package static func forget(
        isIPv4: Bool, matching: (TrackedConnection) -> Bool
    ) throws(SystemCallError) -> Int {
        let socket = try NetlinkSocket(NetlinkProtocol.netfilter)
        let family = UInt8(isIPv4 ? AF_INET : AF_INET6)
        var list = MessageBatch()
        list.message(ConntrackMessage.get, [.request, .dump], name: "IPCTNL_MSG_CT_GET") {
            $0.append(contentsOf: [family, 0, 0, 0])
        }
        let chosen = try socket.request(list).compactMap(TrackedConnection.init).filter(matching)
        for connection in chosen {
            var deletion = MessageBatch()
            deletion.message(
                ConntrackMessage.delete, [.request, .acknowledge], name: "IPCTNL_MSG_CT_DELETE",
                tolerated: [ENOENT]
            ) {
                $0.append(contentsOf: [family, 0, 0, 0])
                $0.attribute(ConntrackAttribute.original | 0x8000, connection.tuple)
                $0.attribute(ConntrackAttribute.number, connection.number)
            }
            try socket.transact(deletion)
        }
        return chosen.count
    }
}
