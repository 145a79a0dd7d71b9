import ShimProtocol

extension Container {
    /// Hands a client's stream to the shim of a container that runs. Not behind the gate: a stop that waits must not
    /// hold it up.
    /// - Returns: false where the container has ended meanwhile
    func join(_ request: AttachRequest) async throws -> Bool {
        guard state.isRunning, let session else { return false }
        do {
            try await session.request(.attach(request))
        } catch let error as ShimError where error.code == .wrongState || error.code == .disconnected {
            return false
        }
        publish("attach")
        return true
    }

    /// Hands a client's stream to the shim, or keeps it for the start.
    func attach(_ request: AttachRequest, _ place: UInt64) async throws {
        publish("attach")
        if attachments.add(request, for: place) { return }
        // The container starts or runs: behind a start that is under way, the shim is there.
        let session = try await gate.run { try await self.requireSession() }
        try await ask(session, .attach(request))
    }

    /// Returns when nothing more comes into the log.
    func logEnd() async throws {
        guard state.isRunning || isStarting else { return }
        let session = session
        _ = try await exit.wait()
        // The last lines are written before the shim goes.
        _ = try await session?.ended.wait(milliseconds: 5000, on: parts.reactor)
    }

    private var isStarting: Bool { session != nil && !state.isRunning && state.exit == nil }

    func waiter(_ condition: WaitCondition) -> ExitWaiter {
        let (exit, removal) = (exit, removal)
        switch condition {
        case .notRunning:
            guard state.isActive else {
                let result = WaitResult(exitCode: progress.exitCode, error: nil)
                return ExitWaiter { result }
            }
            return ExitWaiter { try await exit.wait() }
        case .nextExit: return ExitWaiter { try await exit.wait() }
        case .removed: return ExitWaiter { try await removal.wait() }
        }
    }

    func rename(to text: String) async throws {
        guard !text.isEmpty, text != "/" else {
            throw EngineError.invalid("Neither old nor new names may be empty")
        }
        let name = try Self.renaming { () throws(EngineError) in
            try ContainerName.checked(text.hasPrefix("/") ? text : "/\(text)")
        }
        try await gate.run { try await self.renameNow(name) }
    }

    /// Docker's words about a name that cannot be given.
    private static func renaming<T>(_ body: () throws(EngineError) -> T) throws(EngineError) -> T {
        do throws(EngineError) {
            return try body()
        } catch {
            throw EngineError(error.code, "Error when allocating new name: \(error.message)", cause: error)
        }
    }

    private func renameNow(_ name: String) async throws {
        let old = self.name
        if old == name {
            throw EngineError.invalid("Renaming a container with the same name as its current name")
        }
        if case .removing = state {
            throw EngineError(.wrongState, "container \(id) is marked for removal")
        }
        try Self.renaming { () throws(EngineError) in try parts.registry.take(name: name, for: id) }
        do {
            try await parts.database.commit(.powerCut, ContainerTable.rename(id, to: name))
        } catch {
            parts.registry.release(name: name, of: id)
            throw error
        }
        releaseLinkNames()
        rename(name)
        takeLinkNames()
        parts.registry.release(name: old, of: id)
        renameEndpoints()
        publish("rename", ["oldName": "/\(old)"])
    }
}
