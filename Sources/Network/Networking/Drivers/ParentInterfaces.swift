import Glibc
import LinuxKernel
import Logging
import Netlink

/// The host's interfaces that macvlan and ipvlan networks are on: which networks use each of them, and which of them
/// the instance made itself. Those carry the instance's mark as their alias, so that no crash leaves one behind.
struct ParentInterfaces: Sendable {
    private let uses: ParentUses
    private let routes: RouteClient
    private let mark: String
    private let logger: Logger

    /// - Parameter uses: those of the whole instance
    init(_ uses: ParentUses, routes: RouteClient, instance: String, logger: Logger) {
        self.uses = uses
        self.routes = routes
        self.logger = logger
        mark = "skiff \(instance)"
    }

    /// Notes that a network uses an interface, and makes it where it is one of those that an instance makes: a VLAN
    /// (`eth0.50`), or the stand-in of a network without a parent. Undone by `release`.
    /// - Throws: `NetworkError`: `invalidRequest` where there is no such interface, or another network's use forbids this
    ///   one; `unsupported` where the kernel lacks the kind
    func take(_ parent: SharedLinkParent, for record: NetworkRecord, kind: SharedLink.Kind)
        throws(NetworkError)
    {
        try checkSupport(of: kind.name)
        try uses.add(ParentUses.Use(network: record.name, kind: kind), of: parent.name, by: record.id)
        do throws(NetworkError) {
            _ = try index(of: parent)
        } catch {
            _ = uses.remove(parent.name, by: record.id)
            throw error
        }
    }

    /// Drops a use, and with the last one an interface that the instance made.
    func release(_ parent: SharedLinkParent, of record: NetworkRecord) throws(SystemCallError) {
        guard uses.remove(parent.name, by: record.id), let link = try routes.link(parent.name),
            link.alias == mark
        else {
            return
        }
        try routes.perform { $0.deleteLink(parent.name) }
    }

    /// Removes interfaces of the instance that no network uses: what a crash left between making one and recording its
    /// network. To be called when every network stands.
    func removeOrphans() throws(SystemCallError) {
        let used = uses.parents
        for link in try routes.links() where link.alias == mark && !used.contains(link.name) {
            logger.info(
                "removing an interface without a network", metadata: ["interface": "\(link.name)"])
            try routes.perform { $0.deleteLink(link.name) }
        }
    }

    /// The index of a parent, which is made where it is missing and the instance's to make.
    func index(of parent: SharedLinkParent) throws(NetworkError) -> Int32 {
        do throws(SystemCallError) {
            if let present = try routes.link(parent.name) { return present.index }
        } catch {
            throw Self.failure("look for the parent interface \(parent.name)", error)
        }
        switch parent {
        case .existing(let name): throw Self.missing(name)
        case .vlan(let name, let lower, let identifier):
            try makeVLAN(name, on: lower, identifier)
        case .standIn(let name): try makeStandIn(name)
        }
        do throws(SystemCallError) {
            guard let made = try routes.link(parent.name) else {
                throw SystemCallError(call: "RTM_GETLINK", errno: ENODEV, subject: parent.name)
            }
            return made.index
        } catch {
            throw Self.failure("look for the parent interface \(parent.name)", error)
        }
    }

    private func makeVLAN(_ name: String, on lower: String, _ identifier: UInt16) throws(NetworkError) {
        try checkSupport(of: "vlan")
        do throws(SystemCallError) {
            guard let below = try routes.link(lower) else {
                throw SystemCallError(call: "RTM_GETLINK", errno: ENODEV, subject: lower)
            }
            try make(name) { $0.createVLAN(name, parent: below.index, identifier: identifier) }
        } catch {
            throw error.errno == ENODEV
                ? Self.missing(lower) : Self.failure("make the 802.1q interface \(name) on \(lower)", error)
        }
    }

    /// An interface that leads nowhere: dummy, and where the kernel has none ifb, which drops what it is given as well.
    private func makeStandIn(_ name: String) throws(NetworkError) {
        var failure: SystemCallError?
        for kind in ["dummy", "ifb"] {
            do throws(SystemCallError) {
                return try make(name) { $0.createPlainLink(name, kind: kind) }
            } catch {
                failure = error
                if error.errno != EOPNOTSUPP { break }
            }
        }
        guard let failure else { return }
        if failure.errno == EOPNOTSUPP {
            throw NetworkError(
                .unsupported,
                "a network without a parent interface needs the kernel's module dummy or ifb, and this kernel has "
                    + "neither: give one with -o parent=INTERFACE", cause: failure)
        }
        throw Self.failure("make the interface \(name)", failure)
    }

    private func make(_ name: String, _ build: (inout MessageBatch) -> Void) throws(SystemCallError) {
        do throws(SystemCallError) {
            try routes.perform(build)
        } catch {
            // Somebody else was faster: it is theirs to remove.
            guard error.errno == EEXIST else { throw error }
            return
        }
        do throws(SystemCallError) {
            try routes.perform { $0.setAlias(name, mark) }
            guard let link = try routes.link(name) else {
                throw SystemCallError(call: "RTM_GETLINK", errno: ENODEV, subject: name)
            }
            try routes.perform { $0.setLinkUp(link.index, name: name) }
        } catch {
            try? routes.perform { $0.deleteLink(name) }
            throw error
        }
    }

    /// Asks the kernel whether it knows a kind of interface; it loads the module where it has one.
    private func checkSupport(of kind: String) throws(NetworkError) {
        do throws(SystemCallError) {
            try routes.perform { $0.probeLinkKind(kind) }
        } catch {
            guard error.errno == EOPNOTSUPP else { return }
            let module = kind == "vlan" ? "8021q" : kind
            throw NetworkError(
                .unsupported,
                "this kernel has no \(kind == "vlan" ? "802.1q" : kind) interfaces: load its module \(module), or use "
                    + (kind == "vlan" ? "a parent without a VLAN" : "another network driver"),
                cause: error)
        }
    }

    private static func missing(_ name: String) -> NetworkError {
        NetworkError(
            .invalidRequest,
            "the parent interface \(name) was not found on this host: choose one of those that `ip link` lists"
        )
    }

    private static func failure(_ operation: String, _ error: SystemCallError) -> NetworkError {
        NetworkError(.kernel, "cannot \(operation): \(error)", cause: error)
    }
}
