import Cgroups
import Glibc
import LinuxKernel
import OCIModel
import ShimProtocol

extension Shim: EventHandler {
    /// How long the daemon is kept waiting for clients that have not taken their last bytes yet, in milliseconds.
    private static let daemonPatience: Int64 = 2000
    /// How long clients may go without taking any of their last bytes: somebody may be reading them page by page.
    private static let clientPatience: Int64 = 600_000
    /// How often the group's removal is tried, every two milliseconds: zombies leave it a moment after their end.
    private static let removalAttempts = 250

    /// The container's process has ended.
    func ready(_ events: PollEvents, tag: Int) {
        guard phase == .running, let container else { return }
        let now = Timestamp.now
        let end: ProcessExit
        do throws(SystemCallError) {
            guard let reaped = try reap(container.pidfd.rawValue, polling: true) else { return }
            end = reaped
        } catch {
            // Nobody else reaps it, so this is a bug; the container's end is reported all the same.
            warn("cannot learn how the container ended: \(error)")
            end = ProcessExit(status: 255, signal: nil)
        }
        phase = .ending
        container.processWatch?.cancel()
        container.outOfMemory?.close()
        var record = ExitRecord(
            containerID: container.id, pid: container.pid, code: end.code, signal: end.signal,
            startedAt: state?.startedAt ?? now, exitedAt: now,
            cause: deletion == nil ? .exited : .killedByShim)
        endCgroup(container, &record)
        pendingRecord = record
        container.streams.drain()
    }

    /// Counts what the kernel killed, and kills what is left: with the host's PID namespace nobody else does.
    private func endCgroup(_ container: Container, _ record: inout ExitRecord) {
        guard let cgroup = container.cgroup else { return }
        do throws(CgroupError) {
            record.outOfMemory = try cgroup.outOfMemoryKills() > 0
            if try !cgroup.processes(recursive: true).isEmpty { try cgroup.killAll() }
        } catch  where error.code == .notFound {
            // Taken away by systemd, the count with it: what was noticed before counts, and a kill that nobody here sent.
            let isKilled = record.signal == SIGKILL && !container.wasKilled
            record.outOfMemory =
                state?.outOfMemory == true || isKilled && container.outOfMemory?.hasKilledAround == true
        } catch {
            record.problems.append("processes may be left: \(error.message)")
        }
    }

    /// Everything that the container wrote is in the log: its end is put on record, then told.
    func conclude() {
        guard phase == .ending, let container, let record = pendingRecord else { return }
        pendingRecord = nil
        removeCgroup(container, record, attempts: Self.removalAttempts)
    }

    private func removeCgroup(_ container: Container, _ record: ExitRecord, attempts: Int) {
        if attempts == Self.removalAttempts { write(record) }
        if let problem = remove(container.cgroup) {
            if attempts > 1 {
                loop.after(2) { [unowned self] in removeCgroup(container, record, attempts: attempts - 1) }
                return
            }
            var changed = record
            changed.problems.append(problem)
            write(changed)
            return announce(container, changed)
        }
        announce(container, record)
    }

    private func write(_ record: ExitRecord) {
        do throws(ShimError) {
            try record.write(to: folder)
        } catch {
            // A daemon that is connected is told all the same.
            warn("the container's end is not on disk: \(error.message)")
        }
    }

    private func announce(_ container: Container, _ record: ExitRecord) {
        // Its mount is the last one on the upper directory, which others may use from now on.
        container.bareRoot = nil
        container.releaseLock()
        runHooks(container, .stopped)
        exit = record
        phase = .ended
        endedAt = EventLoop.now
        state?.status = .exited
        report(.exited(record))
        for (link, id) in waiting { link.send(.reply(id: id, .exited(record))) }
        waiting = []
        container.streams.releaseClients()
        leaveWhenServed()
    }

    /// Goes when every client has its bytes and every exec is over. The daemon is not kept waiting for slow clients:
    /// they are served on without it.
    func leaveWhenServed() {
        guard phase == .ended else { return }
        let now = EventLoop.now
        let clients = (container?.streams.clients ?? []) + execs.flatMap(\.streams.clients)
        for client in clients where now - client.lastProgress >= Self.clientPatience {
            client.end(.abandoned)
        }
        if execs.isEmpty, container?.streams.clients.isEmpty ?? true {
            part()
            return leave()
        }
        if now - endedAt >= Self.daemonPatience, execs.allSatisfy(\.isOver) { part() }
        if leaveTimer == nil {
            leaveTimer = loop.after(hasParted ? 5000 : 250) { [unowned self] in
                leaveTimer = nil
                leaveWhenServed()
            }
        }
    }

    /// Ends the conversation with the daemon, for which this shim has gone.
    private func part() {
        if hasParted { return }
        hasParted = true
        if let deletion { deletion.link.send(.reply(id: deletion.id, .done)) }
        deletion = nil
        listener?.close()
        listener = nil
        for link in links { link.finish() }
    }

    func delete(force: Bool, _ link: DaemonLink, _ id: UInt64) throws(ShimError) -> ShimReply? {
        switch phase {
        case .empty, .created:
            link.send(.reply(id: id, .done))
            abandon()
        case .running:
            guard force else { throw ShimError(.wrongState, "the container is running") }
            deletion = (link, id)
            try kill()
        case .ending, .ended: deletion = (link, id)
        }
        return nil
    }

    private func kill() throws(ShimError) {
        let container = try running()
        container.wasKilled = true
        try wrapped("cannot kill the container") { () throws(SystemCallError) in
            try sendSignal(SIGKILL, toPidfd: container.pidfd.rawValue)
        }
        // A frozen process dies when it thaws.
        if state?.status == .paused { try setPaused(false) }
    }
}

extension Shim: StreamsOwner {
    func outputDrained() { conclude() }

    func clientsGone() { leaveWhenServed() }

    func clientEnded(_ id: String, execID: String?, _ reason: AttachEnd) {
        report(.attachEnded(id: id, execID: execID, reason: reason))
    }

    func logChanged() {
        guard let problem = container?.log?.problem else { return }
        warn("the log cannot be written: \(problem)")
        retryLog()
    }

    /// Once a second until the file takes what is waiting.
    private func retryLog() {
        guard logTimer == nil else { return }
        logTimer = loop.after(1000) { [unowned self] in
            logTimer = nil
            container?.log?.retry()
            if container?.log?.needsRetry == true { retryLog() }
        }
    }
}
