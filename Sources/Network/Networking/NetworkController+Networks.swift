import Glibc
import LinuxKernel
import Logging
import OCIModel
import Synchronization

// The networks themselves: found, made and removed.
extension NetworkController {
    /// `bridge` (unless the configuration says no), `host` and `none`, then those that users made, oldest first.
    package var networks: [NetworkRecord] { running.withLock { $0?.records ?? [] } }

    /// A network by name, id or unique prefix of an id.
    /// - Throws: `NetworkError` (`noSuchNetwork`) in Docker's words: `network x not found`
    package func network(_ nameOrID: String) throws(NetworkError) -> NetworkRecord {
        let records = networks
        if let exact = records.first(where: { $0.id == nameOrID })
            ?? records.first(where: { $0.name == nameOrID })
        {
            return exact
        }
        let matching = nameOrID.isEmpty ? [] : records.filter { $0.id.hasPrefix(nameOrID) }
        guard let match = matching.first else {
            throw NetworkError(.noSuchNetwork, "network \(nameOrID) not found")
        }
        guard matching.count == 1 else {
            throw NetworkError(
                .invalidRequest, "network \(nameOrID) is ambiguous (\(matching.count) matches found)")
        }
        return match
    }

    /// Whether a container is on the network.
    package func isUsed(_ record: NetworkRecord) -> Bool {
        running.withLock { $0?.endpoints.values.contains { $0.networkID == record.id } ?? false }
    }

    /// Makes a network: durable, and ready for containers, when it returns.
    /// - Throws: `NetworkError`: `networkExists`, `predefinedNetwork`, `invalidRequest`, `subnetOverlaps`, `exhausted`,
    ///   `unsupported`, `kernel`; nothing of it is left then
    package func create(_ request: NetworkRequest) throws(NetworkError) -> NetworkRecord {
        let outcome: Result<NetworkRecord, NetworkError> = store.withLock { store in
            Result { () throws(NetworkError) in try create(request, &store) }
        }
        return try outcome.get()
    }

    private func create(_ request: NetworkRequest, _ store: inout NetworkStore?) throws(NetworkError)
        -> NetworkRecord
    {
        guard var changed = store, let routes = running.withLock({ $0?.routes }) else {
            throw Self.notStarted
        }
        let composer = NetworkComposer(
            configuration: configuration, existing: networks, routes: routes)
        var record = try composer.record(for: request) { () throws(NetworkError) in try changed.localPrefix()
        }
        let driver = driver(record.driver, routes)
        if !record.configOnly {
            try driver?.complete(&record)
            try composer.checkInterface(of: record)
        }
        try changed.add(record)
        do throws(NetworkError) {
            if !record.configOnly, let driver { try raise(record, driver) }
        } catch {
            try changed.remove(id: record.id)
            store = changed
            throw error
        }
        store = changed
        let made = record
        running.withLock { $0?.records.append(made) }
        return record
    }

    private static let notStarted = NetworkError(.kernel, "the networks have not been set up")

    private func raise(_ record: NetworkRecord, _ driver: any NetworkDriver) throws(NetworkError) {
        let network = try driver.stand(record)
        do {
            if let side = network.hostSide { try add(side.bridge, of: network) }
            running.withLock { $0?.standing[record.id] = network }
        } catch {
            try? network.remove()
            if let known = error as? NetworkError { throw known }
            throw NetworkError(.kernel, "cannot set up network \(record.name): \(error)", cause: error)
        }
    }

    /// Has the table know a bridge; the first one brings the table.
    private func add(_ bridge: FirewallModel.Bridge, of network: any StandingNetwork) throws {
        if running.withLock({ $0?.watcher != nil }) { return try firewall.add(bridge) }
        guard var state = running.withLock({ $0 }) else { throw Self.notStarted }
        state.standing = [network.record.id: network]
        try startFirewall(&state, [])
        let watcher = state.watcher
        running.withLock { $0?.watcher = watcher }
    }

    /// What stands of a network; one that could not be set up before is tried again.
    func standing(_ record: NetworkRecord) throws(NetworkError) -> any StandingNetwork {
        if let network = running.withLock({ $0?.standing[record.id] }) { return network }
        let outcome: Result<Void, NetworkError> = store.withLock { _ in
            Result { () throws(NetworkError) in
                guard let routes = running.withLock({ $0?.routes }),
                    let driver = driver(record.driver, routes)
                else { throw Self.notStarted }
                guard running.withLock({ $0?.standing[record.id] }) == nil else { return }
                try raise(record, driver)
            }
        }
        try outcome.get()
        guard let network = running.withLock({ $0?.standing[record.id] }) else { throw Self.notStarted }
        return network
    }

    /// Removes a network that no container is on: from the host first, then from the record, so that a crash in between
    /// leaves the network as it was.
    /// - Throws: `NetworkError`: `noSuchNetwork`, `predefinedNetwork`, `networkInUse`, `kernel`
    package func remove(_ nameOrID: String) throws(NetworkError) -> NetworkRecord {
        let outcome: Result<NetworkRecord, NetworkError> = store.withLock { store in
            Result { () throws(NetworkError) in try remove(nameOrID, &store) }
        }
        return try outcome.get()
    }

    private func remove(_ nameOrID: String, _ store: inout NetworkStore?) throws(NetworkError)
        -> NetworkRecord
    {
        let record = try network(nameOrID)
        guard !record.isPredefined else {
            throw NetworkError(
                .predefinedNetwork, "\(record.name) is a pre-defined network and cannot be removed")
        }
        if let borrower = networks.first(where: { $0.configFrom == record.name && record.configOnly }) {
            throw NetworkError(
                .networkInUse,
                "configuration network \"\(record.name)\" is in use by network \(borrower.name)")
        }
        guard var changed = store else { throw Self.notStarted }
        // From here on nobody gets an address of it.
        let (holders, position, network) = running.withLock { state in
            let holders = state?.endpoints.values.filter { $0.networkID == record.id } ?? []
            let position = state?.records.firstIndex { $0.id == record.id }
            guard holders.isEmpty, let position else {
                return (holders, position, state?.standing[record.id])
            }
            state?.records.remove(at: position)
            return (holders, position, state?.standing.removeValue(forKey: record.id))
        }
        if !holders.isEmpty { throw Self.inUse(record, holders) }
        do {
            if let side = network?.hostSide { try firewall.remove(bridge: side.bridge.name) }
            try network?.remove()
            try changed.remove(id: record.id)
        } catch {
            running.withLock { state in
                let last = state?.records.count ?? 0
                state?.records.insert(record, at: min(position ?? last, last))
            }
            throw NetworkError(.kernel, "cannot remove network \(record.name): \(error)", cause: error)
        }
        store = changed
        return record
    }

    private static func inUse(_ record: NetworkRecord, _ holders: [Endpoint]) -> NetworkError {
        let names = holders.map(\.containerName).sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        return NetworkError(
            .networkInUse,
            "error while removing network: network \(record.name) id \(record.id) has active endpoints "
                + "(\(names)); disconnect or stop the containers first")
    }
}
