import ImageStore
import Synchronization
import LinuxKernel

extension Container {
    func remove(_ options: RemoveOptions) async throws {
        if options.force, state.isActive { try await killForRemoval() }
        try await gate.run {
            // A start may have been under way.
            if options.force, self.state.isActive { try await self.killForRemoval() }
            try await self.removeNow(options)
        }
    }

    private func killForRemoval() async throws {
        do {
            try await kill(id, signal: nil)
        } catch let error as EngineError where error.code == .wrongState {
            // It has ended meanwhile.
        }
        if state.isRunning {
            throw EngineError(
                .timedOut, "Could not kill container \(id): it has not ended within 10 seconds of SIGKILL")
        }
    }

    /// After the end of a `--rm` container; nobody is there to be told of a failure, so it is logged and the container
    /// stays, dead.
    func removeAutomatically() async {
        do {
            try await gate.run {
                // Somebody has started it again meanwhile.
                if self.state.isRunning { return }
                try await self.removeNow(RemoveOptions(force: false, volumes: true))
            }
        } catch {
            log("cannot remove a container after its end", error)
            removal.fulfil(WaitResult(exitCode: progress.exitCode, error: "\(error)"))
        }
    }

    /// With the gate held.
    private func removeNow(_ options: RemoveOptions) async throws {
        let before = progress
        switch before.state {
        case .running, .paused, .restarting, .starting:
            throw EngineError(
                .wrongState,
                "You cannot remove a \(before.state == .starting ? "running" : before.state.status) container \(id). "
                    + (before.state.isPaused
                        ? "Unpause and then stop the container before attempting removal or force remove"
                        : "Stop the container before attempting removal or force remove"))
        case .removing: return
        case .created, .exited, .dead: break
        }
        // Visible only: the row's deletion is the point from which a crash cannot bring it back.
        board.withLock { $0.progress.state = .removing(before.lastExit) }
        do {
            try await eraseRecord()
            parts.registry.remove(id, name: name)
            try await eraseFiles(options)
        } catch {
            board.withLock { $0.progress.state = .dead(before.lastExit) }
            throw EngineError(
                .systemCallFailed, "cannot remove container \(id): \(error); remove it again", cause: error)
        }
        attachments.clear()
        publish("destroy")
        let result = WaitResult(exitCode: before.exitCode, error: nil)
        finishRun(result)
        removal.fulfil(result)
    }

    private func eraseRecord() async throws {
        try await parts.database.commit(
            spec.autoRemove ? .processCrash : .powerCut, ContainerTable.delete(id))
        parts.execs.removeAll(of: id)
    }

    private func eraseFiles(_ options: RemoveOptions) async throws {
        let (images, layer, folder) = (parts.images, definition.layer, parts.folder(of: id))
        try await unmountSharedMemoryIfMounted()
        try await parts.pool.run {
            try images.removeContainerLayer(layer)
            try removeTree(folder)
        }
        if options.volumes { await removeVolumes() }
    }

    /// Anonymous volumes that nobody else uses. A failure leaves the volume and is logged.
    private func removeVolumes() async {
        let names = definition.mounts.filter(\.isAnonymous).map(\.name)
        let used = Set(parts.registry.all.flatMap { $0.definition.mounts.map(\.name) })
        let volumes = parts.volumes
        for name in names where !used.contains(name) {
            do {
                try await parts.pool.run { try volumes.remove(name) }
                parts.events.publish(.volume, "destroy", name, ["driver": "local"])
            } catch {
                log("cannot remove an anonymous volume", error)
            }
        }
    }
}
