import Glibc
import LinuxKernel
import Logging
import Netlink
import Synchronization

/// The instance's nftables table: changed in transactions, and put back when somebody else removed something from it.
final class Firewall: Sendable {
    private struct State {
        var model = FirewallModel()
        var socket: NetlinkSocket?
    }

    let table: String
    private let logger: Logger
    private let state = Mutex(State())
    /// Shows the published ports to iptables as well; nil unless the instance stands in for Docker.
    private let mirror: IptablesMirror?

    init(table: String, mirror: IptablesMirror? = nil, logger: Logger) {
        self.table = table
        self.mirror = mirror
        self.logger = logger
    }

    /// The netlink name of the socket that makes the changes; 0 before the first.
    var port: UInt32 { state.withLock { $0.socket?.port ?? 0 } }

    /// Puts a whole model in place of the table, in one step: connections that go on are not disturbed.
    func replace(with model: FirewallModel) throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            state.model = model
            try rewrite(&state)
        }
    }

    func add(_ bridge: FirewallModel.Bridge) throws(SystemCallError) {
        try change { model, transaction in
            if let before = model.bridges[bridge.name] {
                for (set, elements) in FirewallModel.elements(of: before) {
                    transaction.deleteElements(set, elements)
                }
            }
            model.bridges[bridge.name] = bridge
            for (set, elements) in FirewallModel.elements(of: bridge) {
                transaction.addElements(set, elements)
            }
        }
    }

    func remove(bridge name: String) throws(SystemCallError) {
        try change { model, transaction in
            guard let bridge = model.bridges.removeValue(forKey: name) else { return }
            for (set, elements) in FirewallModel.elements(of: bridge) {
                transaction.deleteElements(set, elements)
            }
        }
    }

    /// Makes the live ports of an endpoint these. The cost does not depend on how many others there are.
    func publish(_ ports: [FirewallModel.Port], endpoint: String) throws(SystemCallError) {
        try change { model, transaction in
            let before = FirewallModel.elements(of: model.ports[endpoint] ?? [])
            let after = FirewallModel.elements(of: ports)
            model.ports[endpoint] = ports.isEmpty ? nil : ports
            for (set, elements) in Self.difference(before, after) {
                transaction.deleteElements(set, elements)
            }
            for (set, elements) in Self.difference(after, before) { transaction.addElements(set, elements) }
        }
    }

    private typealias Elements = [(set: String, elements: [NftablesElement])]

    /// The elements of the first that the second has not.
    private static func difference(_ first: Elements, _ second: Elements) -> Elements {
        first.compactMap { set, elements in
            let other = second.first { $0.set == set }?.elements ?? []
            let rest = elements.filter { !other.contains($0) }
            return rest.isEmpty ? nil : (set: set, elements: rest)
        }
    }

    /// Writes the table anew from what it has to hold.
    func restore() throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            guard state.socket != nil else { return }
            try rewrite(&state)
            mirror?.forget()
        }
    }

    /// Deletes the table.
    func remove() throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            state.model = FirewallModel()
            let present = try usersContents(&state)
            try Self.send(FirewallModel.clearing(table: table, keepingUsersOf: present), &state)
            state.socket = nil
        }
    }

    /// What the table holds; nil where nothing of it is the users'.
    private func usersContents(_ state: inout State) throws(SystemCallError) -> NftablesRuleset.Contents? {
        let socket = try Self.socket(&state)
        let present = try NftablesRuleset.contents(of: .init(family: 1, name: table), socket)
        let users =
            present.chains.filter { $0 != FirewallRules.userChain } + present.sets + present.usedChains
        return users.contains(where: FirewallRules.isUsers) ? present : nil
    }

    private func rewrite(_ state: inout State) throws(SystemCallError) {
        let model = state.model
        guard let present = try usersContents(&state) else {
            return try Self.send(model.replacing(table: table), &state)
        }
        do throws(SystemCallError) {
            try Self.send(model.replacing(table: table, keepingUsersOf: present), &state)
        } catch {
            logger.error(
                "users' rules in the nftables table are lost: they refer to chains or sets of the engine",
                metadata: ["table": "\(table)", "cause": "\(error)"])
            try Self.send(model.replacing(table: table), &state)
        }
    }

    private func change(
        _ body: (inout FirewallModel, inout NftablesTransaction) -> Void
    ) throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            let before = state.model
            var transaction = NftablesTransaction(table: table)
            body(&state.model, &transaction)
            guard !transaction.isEmpty else { return }
            do throws(SystemCallError) {
                try Self.send(transaction, &state)
            } catch {
                guard error.errno == ENOENT || error.errno == EEXIST else {
                    state.model = before
                    throw error
                }
                // The table is not what it was: somebody flushed or changed it, and the notification is on its way.
                logger.warning(
                    "rewriting the nftables table", metadata: ["table": "\(table)", "cause": "\(error)"])
                do throws(SystemCallError) {
                    try rewrite(&state)
                } catch {
                    state.model = before
                    throw error
                }
            }
        }
    }

    /// `Mutex.withLock` with a typed error.
    private func withState(
        _ body: (inout State) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        try state.withLock { (state: inout State) throws(SystemCallError) in
            try body(&state)
            mirror?.show(state.model)
        }
    }

    private static func send(
        _ transaction: NftablesTransaction, _ state: inout State
    ) throws(SystemCallError) {
        try socket(&state).transact(transaction.finished())
    }

    private static func socket(_ state: inout State) throws(SystemCallError) -> NetlinkSocket {
        if let present = state.socket { return present }
        let made = try NetlinkSocket(NetlinkProtocol.netfilter)
        state.socket = made
        return made
    }
}
