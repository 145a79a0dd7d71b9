import Glibc

/// A token bucket: sending is delayed to a rate, and what would have to wait too long is dropped.
package struct TokenBucket: Sendable, Hashable {
    /// Bytes a second.
    package var rate: UInt64
    /// Bytes that may go at once after a pause.
    package var burst: UInt32
    /// Bytes that may wait.
    package var limit: UInt32

    package init(rate: UInt64, burst: UInt32, limit: UInt32) {
        self.rate = rate
        self.burst = burst
        self.limit = limit
    }
}

extension MessageBatch {
    /// `struct tcmsg`.
    private mutating func trafficHeader(interface: Int32, handle: UInt32, parent: UInt32) {
        append(contentsOf: [UInt8(AF_UNSPEC), 0, 0, 0])
        append(interface)
        append(handle)
        append(parent)
        append(UInt32(0))
    }

    /// Puts a token bucket filter in place of what decides over sending by an interface.
    package mutating func setTokenBucket(_ bucket: TokenBucket, interface: Int32, name: String) {
        message(
            RouteMessage.newQueueingDiscipline, [.request, .acknowledge, .create, .replace],
            name: "RTM_NEWQDISC", subject: "tbf on \(name)"
        ) {
            $0.trafficHeader(interface: interface, handle: 0, parent: QueueAttribute.root)
            $0.attribute(QueueAttribute.kind, string: "tbf")
            $0.nested(QueueAttribute.options) {
                $0.attribute(QueueAttribute.bucketParameters, bucket.parameters)
                $0.attribute(QueueAttribute.bucketBurst, number: bucket.burst)
                if bucket.rate > UInt64(UInt32.max) {
                    $0.attribute(QueueAttribute.bucketRate64, number: bucket.rate)
                }
            }
        }
    }

    /// Takes a limit off; none counts as success.
    package mutating func removeTokenBucket(interface: Int32, name: String) {
        message(
            RouteMessage.deleteQueueingDiscipline, [.request, .acknowledge], name: "RTM_DELQDISC",
            subject: "root of \(name)", tolerated: [ENOENT, EINVAL]
        ) { $0.trafficHeader(interface: interface, handle: 0, parent: QueueAttribute.root) }
    }

    /// Asks for the queueing disciplines of every interface.
    package mutating func listQueueingDisciplines() {
        message(RouteMessage.getQueueingDiscipline, [.request, .dump], name: "RTM_GETQDISC") {
            $0.trafficHeader(interface: 0, handle: 0, parent: 0)
        }
    }
}

extension TokenBucket {
    /// `struct tc_tbf_qopt`: two `struct tc_ratespec`, then limit, buffer and mtu. The kernel computes the buffer from
    /// the burst that is given beside it, and its rate table is from before 3.8.
    fileprivate var parameters: [UInt8] {
        var batch = MessageBatch()
        batch.append(contentsOf: [0, QueueAttribute.ethernet, 0, 0, 0, 0, 0, 0])
        batch.append(UInt32(clamping: rate))
        batch.append(contentsOf: [UInt8](repeating: 0, count: 12))
        batch.append(limit)
        batch.append(UInt32(0))
        batch.append(UInt32(0))
        return batch.bytes
    }
}

/// A queueing discipline as rtnetlink describes it.
package struct QueueingDiscipline: Sendable, Hashable {
    package let interface: Int32
    /// `tbf`, `noqueue`, …
    package let kind: String
    /// Whether it is the interface's outermost.
    package let isRoot: Bool
    /// Bytes a second, of a token bucket.
    package let rate: UInt64?

    init(interface: Int32, kind: String, isRoot: Bool, rate: UInt64?) {
        self.interface = interface
        self.kind = kind
        self.isRoot = isRoot
        self.rate = rate
    }

    package init?(_ message: NetlinkMessage) {
        guard message.type == RouteMessage.newQueueingDiscipline,
            let interface = message.payload.integer(Int32.self, at: 4),
            let parent = message.payload.integer(UInt32.self, at: 12)
        else { return nil }
        let attributes = message.attributes(after: 20)
        guard let kind = attributes[QueueAttribute.kind]?.string else { return nil }
        self.interface = interface
        self.kind = kind
        isRoot = parent == QueueAttribute.root
        let options = kind == "tbf" ? attributes[QueueAttribute.options]?.nested : nil
        let low = options?[QueueAttribute.bucketParameters]?.content.integer(UInt32.self, at: 8)
        rate = options?[QueueAttribute.bucketRate64]?.number(UInt64.self) ?? low.map(UInt64.init)
    }
}
