import ShimProtocol

extension Container {
    func stop(signal: String?, timeout: Int?) async throws -> StateChange {
        let number = try stopSignal(signal)
        return try await gate.run { try await self.stopNow(number, timeout) }
    }

    func restart(signal: String?, timeout: Int?) async throws {
        let number = try stopSignal(signal)
        try await gate.run {
            _ = try await self.stopNow(number, timeout)
            _ = try await self.startNow()
        }
        publish("restart")
    }

    private nonisolated func stopSignal(_ asked: String?) throws(EngineError) -> Int32 {
        if let asked, !asked.isEmpty { return try SignalName.number(asked) }
        return spec.stopSignal.isEmpty ? 15 : try SignalName.number(spec.stopSignal)
    }

    /// Seconds: a century, for whatever number a client asks for.
    private static let longestWait = 3_155_760_000

    /// With the gate held.
    private func stopNow(_ signal: Int32, _ timeout: Int?) async throws -> StateChange {
        if callOffRestart() {
            publish("stop")
            return .changed
        }
        guard state.isRunning, let session else { return .unchanged }
        // That of this run, which may end before the record is written.
        let exit = exit
        await suspendRestarts()
        try await send(signal, to: session)
        let seconds = timeout ?? spec.stopTimeout ?? parts.configuration.stopTimeout
        if seconds < 0 {
            _ = try await exit.wait()
        } else if try await exit.wait(
            milliseconds: Int64(min(seconds, Self.longestWait)) * 1000, on: parts.reactor) == nil
        {
            try await send(9, to: session)
            if try await exit.wait(milliseconds: 30_000, on: parts.reactor) == nil {
                throw EngineError(
                    .timedOut,
                    "container \(id) has not ended 30 seconds after SIGKILL; a process of it may be stuck in "
                        + "the kernel")
            }
        }
        publish("stop")
        return .changed
    }

    /// Sends a signal; one that has to be obeyed reaches a paused container, too.
    private func send(_ signal: Int32, to session: ShimSession) async throws {
        do {
            try await session.request(.signal(execID: nil, number: signal, all: false))
            publish("kill", ["signal": "\(signal)"])
            try await thaw(session)
        } catch let error as ShimError where error.tellsOfAnEnd {
            // It has ended by itself; its exit is on the way.
        }
    }

    /// Lets a paused container obey a signal. On version 2 a frozen process dies of SIGKILL as it is, perhaps before this.
    private func thaw(_ session: ShimSession) async throws {
        guard state.isPaused else { return }
        do {
            try await resume(session)
        } catch let error as ShimError where error.tellsOfAnEnd {
            // Its exit is on the way.
        } catch let error as EngineError where error.code == .wrongState {
            // Its shim has gone already.
        }
    }

    private func resume(_ session: ShimSession) async throws {
        try await ask(session, .resume)
        if case .paused(let running) = state { note { $0.state = .running(running) } }
        beginProbing()
    }

    /// Not behind the gate: a container that does not stop has to be killable.
    func kill(_ reference: String, signal: String?) async throws {
        let number = try signal.map { (text) throws(EngineError) in try SignalName.number(text) } ?? 9
        if !MessageSignal.contains(number) {
            if callOffRestart() { return }
            // A restart that has begun is waited for, and its run killed.
            if state.isRestarting { return try await gate.run { try await self.killNow(reference, number) } }
        }
        try await killNow(reference, number)
    }

    private func killNow(_ reference: String, _ number: Int32) async throws {
        let session = try requireSession(
            "Cannot kill container: \(reference): Container \(id) is not running")
        let exit = exit
        if !MessageSignal.contains(number) { await suspendRestarts() }
        do {
            try await session.request(.signal(execID: nil, number: number, all: false))
        } catch let error as ShimError where error.tellsOfAnEnd {
            // Whoever is told so finds it ended.
            _ = try await exit.wait(milliseconds: 10_000, on: parts.reactor)
            throw EngineError(
                .wrongState, "Cannot kill container: \(reference): Container \(id) is not running",
                cause: error)
        }
        publish("kill", ["signal": "\(number)"])
        guard number == 9 else { return }
        try await thaw(session)
        _ = try await exit.wait(milliseconds: 10_000, on: parts.reactor)
    }

    // MARK: Pause

    func pause() async throws {
        try await gate.run { try await self.pauseNow() }
    }

    private func pauseNow() async throws {
        let session = try requireSession()
        guard case .running(let running) = state else {
            throw EngineError(.wrongState, "Container \(id) is already paused")
        }
        try await ask(session, .pause)
        endProbing()
        if case .running = state { note { $0.state = .paused(running) } }
        publish("pause")
    }

    func unpause() async throws {
        try await gate.run { try await self.unpauseNow() }
    }

    private func unpauseNow() async throws {
        guard case .paused = state, let session else {
            throw EngineError(.wrongState, "Container \(id) is not paused")
        }
        try await resume(session)
        publish("unpause")
    }

    func resize(_ size: TerminalSize) async throws {
        let session = try requireSession("Container \(id) is not running")
        // Without a terminal there is nothing to do, which is no error.
        if spec.process.terminal {
            try await ask(session, .resize(execID: nil, width: size.columns, height: size.rows))
        }
        publish("resize", ["height": "\(size.rows)", "width": "\(size.columns)"])
    }
}

extension ShimError {
    /// The container that a signal was meant for has ended, or its shim has: its exit is on the way.
    fileprivate var tellsOfAnEnd: Bool { [.notFound, .disconnected, .wrongState].contains(code) }
}
