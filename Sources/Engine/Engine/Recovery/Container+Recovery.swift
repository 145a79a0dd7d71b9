import Glibc
import LinuxKernel
import OCIModel
import ShimProtocol

/// What a restarted engine found out about a container.
enum RecoveryOutcome: Sendable, Equatable {
    /// Nothing had changed.
    case asRecorded
    /// Its shim lives and is followed again.
    case adopted
    /// It ended while no engine was there, or its start had come to nothing.
    case settled
}

extension Container {
    /// Brings the record up to what is really there. To be called once, before anything else.
    func recover() async -> RecoveryOutcome {
        let folder = parts.shimFolder(of: id)
        guard fileExists(folder) else { return recoverWithoutShim() }
        // The removal goes on later: its files may be gone already, so the record keeps saying so.
        if state.isBeingRemoved { return await clearEndedRun(folder) }
        do throws(ShimError) {
            if let record = try ExitRecord(readingFrom: folder) { return await recoverExit(record, folder) }
        } catch {
            log("cannot read how a container ended", error)
        }
        do throws(ShimError) {
            let connection = try ShimConnection.connect(to: folder)
            return await adopt(connection, folder)
        } catch {
            return await recoverLost(folder)
        }
    }

    /// No trace of a run: the machine was restarted, or the container did not run.
    private func recoverWithoutShim() -> RecoveryOutcome {
        switch state {
        case .running(let running), .paused(let running):
            var status = ExitStatus(code: 255, startedAt: running.startedAt, finishedAt: .now)
            status.error = "the machine was restarted while the container ran"
            settle(.exited(status))
            return .settled
        case .starting:
            settle(nil)
            return .settled
        default: return .asRecorded
        }
    }

    private func recoverExit(_ record: ExitRecord, _ folder: String) async -> RecoveryOutcome {
        // The shim goes by itself; it may still be at it.
        if let shim = try? ShimConnection.connect(to: folder) { _ = await awaitEnd(of: shim, folder) }
        if state.isRestarting, progress.lastExit?.finishedAt == record.exitedAt {
            await removeShimFolder()
            return .asRecorded
        }
        if state.isRunning || state.isRestarting || state == .starting {
            let status = ExitStatus(record)
            settle(.exited(status))
            publish("die", ["exitCode": "\(status.code)"], at: status.finishedAt)
        }
        await removeShimFolder()
        return .settled
    }

    /// The record is right as it is; what the run left goes.
    private func clearEndedRun(_ folder: String) async -> RecoveryOutcome {
        if let shim = try? ShimConnection.connect(to: folder) { _ = await awaitEnd(of: shim, folder) }
        await removeCgroup()
        await removeShimFolder()
        return .asRecorded
    }

    private func awaitEnd(of connection: ShimConnection, _ folder: String) async -> Bool {
        guard
            let session = try? ShimSession(
                connection, folder: folder, reactor: parts.reactor, pool: parts.pool, observer: { _ in })
        else { return false }
        let ended: Void? = try? await session.ended.wait(milliseconds: 2000, on: parts.reactor)
        session.abandon()
        return ended != nil
    }

    /// The shim was killed, and the container with it; or it had made nothing yet.
    private func recoverLost(_ folder: String) async -> RecoveryOutcome {
        let left = try? ShimState(readingFrom: folder)
        let started = state.runningState?.startedAt ?? left?.startedAt
        // That end is on record; the crash came while the folder was being removed, file by file.
        if case .exited(let status) = state, (started ?? status.startedAt) <= status.startedAt {
            return await clearEndedRun(folder)
        }
        if let started {
            let status = ExitStatus(shimLostSince: started)
            settle(.exited(status))
            publish("die", ["exitCode": "\(status.code)"], at: status.finishedAt)
        } else {
            settle(nil)
        }
        await removeCgroup()
        await removeShimFolder()
        return .settled
    }

    private func adopt(_ connection: ShimConnection, _ folder: String) async -> RecoveryOutcome {
        let session: ShimSession
        do {
            session = try ShimSession(
                connection, folder: folder, reactor: parts.reactor, pool: parts.pool, observer: observer)
        } catch {
            log("cannot follow a shim", error)
            return .asRecorded
        }
        // A shim that does not answer (stopped, swapped out) must not keep the engine from starting.
        let reply = try? await session.request(.state, seconds: 2)
        guard case .state(let found) = reply else {
            if state.isRunning { return await take(session) }
            session.abandon()
            return await recoverLost(folder)
        }
        return await adopt(session, found)
    }

    private func adopt(_ session: ShimSession, _ found: ShimState) async -> RecoveryOutcome {
        let running = RunningState(pid: found.pid, startedAt: found.startedAt ?? found.createdAt)
        switch found.status {
        case .running: note { $0.state = .running(running) }
        case .paused: note { $0.state = .paused(running) }
        case .created:
            // The start had not been given: taken back.
            _ = try? await session.request(.delete(force: true), seconds: 10)
            _ = try? await session.ended.wait(milliseconds: 5000, on: parts.reactor)
            settle(nil)
            await removeShimFolder()
            return .settled
        case .exited:
            // `exit.json` is there by now.
            note { $0.state = .running(running) }
        }
        for exec in found.execs { parts.execs.started(exec.execID, pid: exec.pid) }
        for exit in found.endedExecs { parts.execs.ended(exit) }
        return await take(session)
    }

    private func take(_ session: ShimSession) async -> RecoveryOutcome {
        self.session = session
        linkMerged(state.runningState?.pid)
        attachments.shut()
        follow(session)
        beginProbing()
        return .adopted
    }

    /// Records that the container does not run: with how it ended, or as it was before a start that came to nothing.
    private func settle(_ state: ContainerState?) {
        parts.execs.endAll(of: id)
        note { progress in
            progress.endpoints = []
            if case .exited(let status) = state {
                progress.lastExit = status
                progress.health?.status = .unhealthy
                progress.lastError = status.error
                progress.state = .exited(status)
            } else {
                progress.state = progress.restingState
            }
        }
    }

    /// Kills what is left in the container's control group and removes it.
    func removeCgroup() async {
        let cgroups = parts.cgroups
        let (id, parent, configuration) = (id, spec.cgroupParent, parts.configuration)
        do {
            try await parts.pool.run {
                try CgroupRemoval.remove(id: id, parent: parent, configuration, in: cgroups)
            }
        } catch {
            log("cannot remove a control group", error)
        }
    }
}
