import Logging
import OCIModel
import Synchronization

extension Container {
    /// Decides what comes after the end of a run, or after a start that failed, and records it.
    /// - Returns: milliseconds until the next start; nil where there is none
    func conclude(_ status: ExitStatus, _ change: (inout ContainerProgress) -> Void = { _ in }) -> Int64? {
        let before = progress
        let restarts = spec.restartPolicy.restarts(
            afterExit: status.code, count: before.restartCount, isStopped: before.isStopped)
        let ran = status.finishedAt.totalNanoseconds - status.startedAt.totalNanoseconds
        note { progress in
            change(&progress)
            progress.state = restarts ? .restarting(status) : progress.restingState
            if restarts { progress.restartCount += 1 }
        }
        return restarts ? backoff.next(afterRunOf: ran) : nil
    }

    /// Starts the container after a pause, unless it is stopped meanwhile.
    func restart(after milliseconds: Int64) {
        restarting?.cancel()
        let reactor = parts.reactor
        restarting = Task {
            let pause = OneShot<Void>()
            // Cancelled: called off.
            do { _ = try await pause.wait(milliseconds: milliseconds, on: reactor) } catch { return }
            await self.gate.run { await self.restartNow() }
        }
    }

    /// With the gate held.
    private func restartNow() async {
        guard state.isRestarting, !Task.isCancelled else { return }
        isRestartUnderWay = true
        defer { isRestartUnderWay = false }
        do {
            try await startAgain()
        } catch {
            parts.logger.warning(
                "cannot restart a container", metadata: ["container.id": "\(id)", "error": "\(error)"])
        }
    }

    /// Calls a restart off that has not begun.
    /// - Returns: false where there is none, or it is under way: behind the gate it will be over
    func callOffRestart() -> Bool {
        guard case .restarting(let status) = state, !isRestartUnderWay else { return false }
        restarting?.cancel()
        restarting = nil
        note { progress in
            progress.state = progress.restingState
            progress.isStopped = true
        }
        finishRun(WaitResult(exitCode: status.code, error: nil))
        return true
    }

    /// The engine ends: no restart begins any more, and one that is under way comes to its end.
    func leaveRestart() async {
        restarting?.cancel()
        guard isRestartUnderWay, let restarting else { return }
        await settled(restarting, "a container's restart has not ended")
    }

    /// Waits for what is under way when the engine ends, ten seconds at most.
    func settled(_ task: Task<Void, Never>, _ complaint: Logger.Message) async {
        let done = OneShot<Void>()
        let waiter = Task {
            await task.value
            done.fulfil(())
        }
        if (try? await done.wait(milliseconds: 10_000, on: parts.reactor)) == nil {
            parts.logger.warning(complaint, metadata: ["container.id": "\(id)"])
        }
        waiter.cancel()
    }

    /// Somebody wants the container to end: the restart policy rests from now on.
    func suspendRestarts() async {
        guard !progress.isStopped else { return }
        // Without a policy the record that the end writes is soon enough.
        if spec.restartPolicy == .no {
            board.withLock { $0.progress.isStopped = true }
        } else {
            do {
                try await commit(.powerCut) { $0.isStopped = true }
            } catch {
                // A full disk must not keep a container from being stopped.
                log("cannot record that a container was stopped by hand", error)
            }
        }
    }

    /// After the engine has opened: what the policy wants of a container that does not run.
    func resume(after outcome: RecoveryOutcome) {
        let before = progress
        switch before.state {
        case .restarting: restart(after: RestartBackoff.shortest)
        case .exited(let status):
            if outcome == .settled {
                if let delay = conclude(status) { return restart(after: delay) }
            }
            guard spec.restartPolicy.startsWithEngine(isStopped: before.isStopped) else { return }
            note { progress in
                progress.state = .restarting(status)
                progress.restartCount = 0
                progress.isStopped = false
            }
            restart(after: 0)
        default: break
        }
    }
}

/// Signals that programs take as a message; whoever sends one does not want the container to stay down.
enum MessageSignal {
    /// HUP, USR1, USR2, CHLD, CONT, URG, WINCH.
    private static let numbers: Set<Int32> = [1, 10, 12, 17, 18, 23, 28]

    static func contains(_ number: Int32) -> Bool { numbers.contains(number) }
}
