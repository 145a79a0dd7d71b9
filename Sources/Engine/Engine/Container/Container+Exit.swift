import Logging
import OCIModel
import ShimProtocol

extension Container {
    /// What the shim reports, in order.
    func handle(_ event: ShimEvent) async {
        switch event {
        case .exited(let record): await hasExited(ExitStatus(record))
        case .execExited(let exit):
            publish("exec_die", ["execID": exit.execID, "exitCode": "\(exit.code)"], at: exit.exitedAt)
        case .attachEnded(_, let execID, .detached):
            if let execID { publish("exec_detach", ["execID": execID]) } else { publish("detach") }
        case .attachEnded: break
        case .outOfMemory: publish("oom")
        case .warning(let text):
            parts.logger.warning("a shim warns", metadata: ["container.id": "\(id)", "warning": "\(text)"])
        }
    }

    /// The shim has gone. Where it has not said how the container ended, its folder tells, or it was killed.
    func sessionEnded(_ session: ShimSession) async {
        if let running = state.runningState {
            let folder = session.folder
            let record = try? await parts.pool.run { try ExitRecord(readingFrom: folder) }
            if let record = record ?? nil {
                await hasExited(ExitStatus(record))
            } else {
                // What the shim would have done: with the host's process ids some of it may live still.
                await removeCgroup()
                await hasExited(ExitStatus(shimLostSince: running.startedAt))
            }
        }
        linkMerged(nil)
        // The folder holds the truth until the database does.
        do {
            try await parts.database.commit(.processCrash) { _ in }
            await removeShimFolder()
        } catch {
            log("cannot record a container's end", error)
        }
    }

    /// The program has ended: frees what it held, records it, tells everybody.
    func hasExited(_ status: ExitStatus) async {
        guard state.isRunning else { return }
        endProbing()
        let left = await releaseNetwork()
        parts.execs.endAll(of: id)
        attachments.open()
        let delay = conclude(status) { progress in
            progress.lastExit = status
            progress.health?.status = .unhealthy
            progress.lastError = status.error
            progress.endpoints = []
        }
        publish("die", ["exitCode": "\(status.code)"], at: status.finishedAt)
        for endpoint in left { publishNetwork("disconnect", endpoint) }
        await unmountVolumes()
        await unmountSharedMemory()
        finishRun(WaitResult(exitCode: status.code, error: nil))
        if let delay {
            restart(after: delay)
        } else if spec.autoRemove {
            removeLater()
        }
    }

    /// Tells those who wait for the end of this run; the next run gets a fresh signal.
    func finishRun(_ result: WaitResult) {
        let finished = exit
        exit = OneShot()
        finished.fulfil(result)
    }
}

extension ExitStatus {
    init(_ record: ExitRecord) {
        self.init(code: record.code, startedAt: record.startedAt, finishedAt: record.exitedAt)
        outOfMemory = record.outOfMemory
    }

    /// For a container whose shim was killed, and went with it.
    init(shimLostSince started: Timestamp) {
        self.init(code: 137, startedAt: started, finishedAt: .now)
        error = "the container's shim was killed, and the container with it"
    }
}
