import Logging
import ImageStore
import Networking
import OCIModel
import ShimProtocol
import Synchronization

/// One container. Its operations queue at the gate; what the shim reports is taken in between; readers look at `board`.
actor Container {
    /// What readers see.
    struct Snapshot: Sendable {
        var name: String
        var progress: ContainerProgress
    }

    nonisolated let definition: ContainerDefinition
    nonisolated let parts: EngineParts
    nonisolated let board: Mutex<Snapshot>
    nonisolated let gate = SerialGate()
    nonisolated let attachments = AttachmentQueue()
    /// Fulfilled when the container is no more.
    nonisolated let removal = OneShot<WaitResult>()

    var session: ShimSession?
    /// Fulfilled at the end of the run that goes on, or of the next one.
    var exit = OneShot<WaitResult>()
    /// Handles the session's events.
    var follower: Task<Void, Never>?
    /// Probes the container's health.
    var probing: Task<Void, Never>?
    var backoff = RestartBackoff()
    /// Waits for the time of the next restart, or makes it.
    var restarting: Task<Void, Never>?
    /// Whether the restart is past its pause, and cannot be called off any more.
    var isRestartUnderWay = false
    /// Removes the container after its last end.
    var removing: Task<Void, Never>?
    /// Whether its volumes are in use for its run.
    var hasVolumesMounted = false
    /// Nothing of it is left: whoever was about to remove it has nothing to do.
    var isRemoved = false

    init(_ definition: ContainerDefinition, name: String, progress: ContainerProgress, parts: EngineParts) {
        self.definition = definition
        self.parts = parts
        board = Mutex(Snapshot(name: name, progress: progress))
    }

    nonisolated var id: String { definition.id }
    /// As it was created, with what `update` has changed since.
    nonisolated var spec: ContainerSpec { progress.changes.applied(to: definition.spec) }
    nonisolated var snapshot: Snapshot { board.withLock { $0 } }
    nonisolated var name: String { board.withLock { $0.name } }
    nonisolated var progress: ContainerProgress { board.withLock { $0.progress } }
    nonisolated var state: ContainerState { board.withLock { $0.progress.state } }

    /// Makes a step visible to readers and, in order, durable.
    func commit(
        _ durability: StateDatabase.Durability = .processCrash, _ change: (inout ContainerProgress) -> Void
    ) async throws {
        let progress = board.withLock { snapshot in
            change(&snapshot.progress)
            return snapshot.progress
        }
        try await parts.database.commit(durability, ContainerTable.update(id, progress))
    }

    /// As `commit`, for what is found again by looking at the machine: nobody waits for the database.
    func note(_ change: (inout ContainerProgress) -> Void) {
        let progress = board.withLock { snapshot in
            change(&snapshot.progress)
            return snapshot.progress
        }
        let (logger, id) = (parts.logger, id)
        do {
            parts.database.commitLater(
                .processCrash,
                failed: { error in
                    logger.error(
                        "cannot record a container's state",
                        metadata: ["container.id": "\(id)", "error": "\(error)"])
                }, try ContainerTable.update(id, progress))
        } catch {
            logger.error(
                "cannot record a container's state", metadata: ["container.id": "\(id)", "error": "\(error)"])
        }
    }

    func rename(_ name: String) { board.withLock { $0.name = name } }

    nonisolated func publish(_ action: String, _ extra: [String: String] = [:], at time: Timestamp = .now) {
        var attributes = spec.labels
        attributes["image"] = spec.image
        attributes["name"] = name
        attributes.merge(extra) { _, new in new }
        parts.events.publish(.container, action, id, attributes, at: time)
    }

    /// Network events are about the network, with the container as an attribute.
    nonisolated func publishNetwork(_ action: String, _ endpoint: Endpoint) {
        parts.events.publish(
            .network, action, endpoint.networkID,
            ["container": id, "name": endpoint.networkName, "type": endpoint.driver.rawValue])
    }

    /// The session of a container that runs.
    /// - Throws: in Docker's words where it does not
    func requireSession(_ problem: String? = nil) throws(EngineError) -> ShimSession {
        try requireNotRestarting()
        guard let session, state.isRunning else {
            throw EngineError(.wrongState, problem ?? "Container \(id) is not running")
        }
        return session
    }

    /// Asks the shim of a container that may end meanwhile.
    /// - Throws: `EngineError.wrongState` where it has, else what the shim reports
    @discardableResult
    nonisolated func ask(
        _ session: ShimSession, _ request: ShimRequest, seconds: Int64 = ShimSession.patience
    ) async throws -> ShimReply {
        do {
            return try await session.request(request, seconds: seconds)
        } catch let error as ShimError where error.code == .disconnected {
            throw EngineError(.wrongState, "Container \(id) is not running", cause: error)
        }
    }

    nonisolated func requireNotRestarting() throws(EngineError) {
        guard state.isRestarting else { return }
        throw EngineError(
            .wrongState, "Container \(id) is restarting, wait until the container is running")
    }

    /// The engine ends; the container goes on with its shim.
    func leave() async {
        await leaveRestart()
        await leaveRemoval()
        endProbing()
        follower?.cancel()
        session?.abandon()
    }

    nonisolated func log(_ message: String, _ error: any Error) {
        parts.logger.warning("\(message)", metadata: ["container.id": "\(id)", "error": "\(error)"])
    }
}
