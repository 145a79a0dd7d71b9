import Logging
import Glibc
import ImageStore
import LinuxKernel
import Networking
import OCIModel
import ShimProtocol
import Synchronization

extension Container {
    func start() async throws -> StateChange {
        try await gate.run { try await self.startNow() }
    }

    /// With the gate held.
    func startNow() async throws -> StateChange {
        switch state {
        case .running, .restarting: return .unchanged
        case .paused: throw EngineError(.wrongState, "cannot start a paused container, try unpause instead")
        case .removing, .dead:
            throw EngineError(.wrongState, "container is marked for removal and cannot be started")
        case .created, .starting, .exited: break
        }
        backoff.reset()
        board.withLock { $0.progress.restartCount = 0 }
        try await startAgain()
        return .changed
    }

    /// With the gate held, by hand or by the restart policy.
    func startAgain() async throws {
        try await previousSessionEnd()
        do {
            try await launch()
        } catch {
            throw await startFailed(error)
        }
    }

    /// The kernel would let the same upper directory be mounted twice; the last shim has to be gone.
    private func previousSessionEnd() async throws {
        guard let session else { return }
        if try await session.ended.wait(milliseconds: 10_000, on: parts.reactor) == nil {
            throw EngineError(
                .wrongState,
                "the last run of container \(id) has not been cleaned up yet: its shim is still there")
        }
        await follower?.value
        self.session = nil
    }

    private func launch() async throws {
        let waiting = try await attachments.close(reactor: parts.reactor)
        try await mountVolumes()
        let plan = try await preparePlan()
        let (session, request) = try await openSession(plan, waiting)
        async let prepared: Void = writeFilesAndIntent(plan)
        let reply: ShimReply
        do {
            reply = try await session.request(.create(request), seconds: 120)
        } catch {
            _ = try? await prepared
            throw error
        }
        guard case .created(let process, let namespace) = reply else {
            throw ShimError(.malformedMessage, "the shim answered create with something else")
        }
        try await prepared
        try await connectNetwork(plan, process, namespace)
        guard case .started(let pid, let time) = try await session.request(.start, seconds: 120) else {
            throw ShimError(.malformedMessage, "the shim answered start with something else")
        }
        hasStarted(pid, time)
        follow(session)
    }

    /// From here on a restarted engine knows which addresses the container holds.
    private func writeFilesAndIntent(_ plan: StartPlan) async throws {
        async let files: Void = parts.pool.run { try plan.writeFiles() }
        try await commit { progress in
            // A restart stays one, for those who look and after a crash.
            if !progress.state.isRestarting { progress.state = .starting }
            progress.endpoints = plan.endpoints
        }
        try await files
    }

    private func hasStarted(_ pid: Int32, _ time: Timestamp) {
        let isProbed = healthSchedule != nil
        note { progress in
            progress.state = .running(RunningState(pid: pid, startedAt: time))
            if isProbed {
                progress.health = progress.health ?? HealthState()
                progress.health?.begin()
            }
            progress.lastError = ""
            progress.failureCode = 0
            progress.isStopped = false
        }
        publish("start", at: time)
        parts.noteUse(ofImage: definition.imageID)
        linkMerged(pid)
        tellLinkedContainers()
        beginProbing()
    }

    /// `merged` beside the layer's folders leads to the running root; nobody waits for it.
    func linkMerged(_ pid: Int32?) {
        let (images, layer, logger, id) = (parts.images, definition.layer, parts.logger, id)
        parts.pool.submit {
            do {
                try images.linkMerged(layer, processID: pid)
            } catch let error as SystemCallError where error.errno == ENOENT {
                // The container has been removed meanwhile.
            } catch {
                logger.warning(
                    "cannot link a container's root",
                    metadata: ["container.id": "\(id)", "error": "\(error)"])
            }
        }
    }

    /// Addresses, ports and everything else that can be refused without a process.
    private func preparePlan() async throws -> StartPlan {
        let planner = StartPlanner(container: self)
        let plan = try await parts.pool.run { try planner.plan() }
        board.withLock { $0.progress.endpoints = plan.endpoints }
        return plan
    }

    private func openSession(
        _ plan: StartPlan, _ waiting: [AttachRequest]
    ) async throws -> (ShimSession, CreateRequest) {
        let folder = parts.shimFolder(of: id)
        let spawner = parts.spawner
        let connection = try await parts.pool.run {
            try makeDirectories(folder, mode: 0o700)
            return try spawner.spawn(folder: folder)
        }
        let session = try ShimSession(
            connection, folder: folder, reactor: parts.reactor, pool: parts.pool, observer: observer)
        self.session = session
        var request = plan.request
        request.attachments = waiting
        return (session, request)
    }

    /// Called on the reactor's thread: exec results have to be known before a later reply is.
    nonisolated var observer: @Sendable (ShimEvent) -> Void {
        let execs = parts.execs
        return { event in if case .execExited(let exit) = event { execs.ended(exit) } }
    }

    private func connectNetwork(
        _ plan: StartPlan, _ process: Int32, _ namespace: SharedDescriptor?
    ) async throws {
        guard let namespace else { return }
        let network = parts.network
        try await parts.pool.run {
            for endpoint in plan.endpoints { try network.attach(endpoint, namespace: namespace.rawValue) }
            if let resolver = self.resolver(plan.endpoints, process: process) {
                try network.answer(resolver)
            }
        }
        for endpoint in plan.endpoints { publishNetwork("connect", endpoint) }
    }

    /// Handles the session's events until the shim has gone.
    func follow(_ session: ShimSession) {
        follower = Task {
            for await event in session.events { await self.handle(event) }
            // The engine ends, not the shim.
            if Task.isCancelled { return }
            await self.sessionEnded(session)
        }
    }

    // MARK: Failure

    /// Takes everything back that the start has made. The container is as it was, but for the error on record.
    private func startFailed(_ error: any Error) async -> any Error {
        if let session {
            _ = try? await session.request(.delete(force: true), seconds: 10)
            if (try? await session.ended.wait(milliseconds: 10_000, on: parts.reactor)) == nil {
                session.abandon()
            }
            self.session = nil
        }
        let left = await releaseNetwork()
        await unmountVolumes()
        await removeShimFolder()
        attachments.clear()
        attachments.open()
        let failure = StartFailure(error)
        let delay = recordFailure(failure)
        parts.logger.warning(
            "container start failed",
            metadata: ["container.id": "\(id)", "error": "\(failure.error.message)"])
        publish("die", ["exitCode": "\(failure.exitCode)"])
        for endpoint in left { publishNetwork("disconnect", endpoint) }
        finishRun(WaitResult(exitCode: failure.exitCode, error: nil))
        if let delay { restart(after: delay) }
        if spec.autoRemove { removeLater() }
        return failure.error
    }

    /// A start by hand that fails is its caller's business; one that the restart policy makes is tried again.
    /// - Returns: milliseconds until then
    private func recordFailure(_ failure: StartFailure) -> Int64? {
        let change = { (progress: inout ContainerProgress) in
            progress.lastError = failure.error.message
            progress.failureCode = failure.exitCode
            progress.endpoints = []
        }
        if state.isRestarting {
            let now = Timestamp.now
            return conclude(ExitStatus(code: failure.exitCode, startedAt: now, finishedAt: now), change)
        }
        note { progress in
            change(&progress)
            progress.state = progress.restingState
        }
        return nil
    }

    /// - Returns: what was released, to be told of behind the end of the run
    func releaseNetwork() async -> [Endpoint] {
        let endpoints = progress.endpoints
        let network = parts.network
        network.endAnswers(container: id)
        guard !endpoints.isEmpty else { return [] }
        do {
            // A container that ends while a restarted engine still looks around must not be taken for a running one.
            try await parts.networkStarted.wait()
            try await parts.pool.run { for endpoint in endpoints { network.release(endpoint) } }
        } catch {
            log("cannot release a network endpoint", error)
        }
        return endpoints
    }

    func removeShimFolder() async {
        let folder = parts.shimFolder(of: id)
        do {
            try await parts.pool.run { try removeTree(folder) }
        } catch {
            log("cannot remove a shim's folder", error)
        }
    }
}

/// Why a start failed, with Docker's exit code for it.
struct StartFailure {
    let error: EngineError
    let exitCode: Int32

    init(_ cause: any Error) {
        if let shim = cause as? ShimError {
            exitCode = shim.exitCode ?? 128
            let code: EngineError.Code =
                switch exitCode {
                case 127: .commandNotFound
                case 126: .commandNotExecutable
                default: .startFailed
                }
            error = EngineError(
                code, shim.message, cause: shim, category: exitCode == 128 ? shim.category : nil)
            return
        }
        exitCode = 128
        switch cause {
        case let known as EngineError: error = known
        case let known as any CategorizedError:
            error = EngineError(.startFailed, known.message, cause: known, category: known.category)
        default: error = EngineError(.startFailed, "\(cause)", cause: cause)
        }
    }
}
