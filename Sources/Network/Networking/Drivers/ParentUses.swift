import Netlink
import Synchronization

/// Which networks of an instance use which interfaces of the host, and how.
final class ParentUses: Sendable {
    struct Use: Sendable {
        var network: String
        var kind: SharedLink.Kind
    }

    /// By parent, then by network id.
    private let uses = Mutex<[String: [String: Use]]>([:])

    var parents: Set<String> { uses.withLock { Set($0.keys) } }

    /// - Throws: `NetworkError` (`invalidRequest`) naming the network whose use forbids this one
    func add(_ use: Use, of parent: String, by id: String) throws(NetworkError) {
        let refusal = uses.withLock { uses -> NetworkError? in
            let others = (uses[parent] ?? [:]).filter { $0.key != id }
            if let other = others.values.first(where: { !Self.fits(use.kind, $0.kind) }) {
                return NetworkError(
                    .invalidRequest,
                    "network \(other.network) is already using parent interface \(parent) as \(other.kind.label), "
                        + "which cannot be shared as \(use.kind.label)")
            }
            uses[parent, default: [:]][id] = use
            return nil
        }
        if let refusal { throw refusal }
    }

    /// - Returns: whether nobody uses the parent any more
    func remove(_ parent: String, by id: String) -> Bool {
        uses.withLock { uses in
            uses[parent]?.removeValue(forKey: id)
            guard uses[parent]?.isEmpty != false else { return false }
            uses.removeValue(forKey: parent)
            return true
        }
    }

    /// Whether two networks can share a parent: it takes either macvlans or ipvlans, one macvlan of mode passthru, and
    /// ipvlans of one mode.
    private static func fits(_ kind: SharedLink.Kind, _ other: SharedLink.Kind) -> Bool {
        switch (kind, other) {
        case (.macvlan(let mode), .macvlan(let otherMode)): mode != .passthru && otherMode != .passthru
        case (.ipvlan, .ipvlan): kind == other
        default: false
        }
    }
}

extension SharedLink.Kind {
    /// As messages name it.
    var label: String {
        switch self {
        case .macvlan(let mode): "macvlan \(mode == .isolated ? "private" : "\(mode)")"
        case .ipvlan(let mode, let flag): "ipvlan \(mode) \(flag == .isolated ? "private" : "\(flag)")"
        }
    }
}
