import ImageStore
import Logging
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
        // One that ended meanwhile may have been started again before its policy was told to rest.
        for _ in 0..<5 where state.isActive {
            do {
                try await kill(id, signal: nil)
                break
            } catch let error as EngineError where error.code == .wrongState {
                // It has ended meanwhile.
            }
        }
        if state.isRunning {
            throw EngineError(
                .timedOut, "Could not kill container \(id): it has not ended within 10 seconds of SIGKILL")
        }
    }

    /// Begins the removal of a `--rm` container that has ended, or could not be started. Not within the operation that
    /// holds the gate, nor before what waits at the gate for this very end.
    func removeLater() {
        let before = removing
        removing = Task {
            await before?.value
            await self.removeAutomatically()
        }
    }

    /// The engine ends: a removal that is under way comes to its end. One that does not is gone on with by the next.
    func leaveRemoval() async {
        guard let removing else { return }
        await settled(removing, "a container's removal has not ended")
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

    /// Goes on with a removal that was under way when the engine ended.
    func finishRemoval() async {
        do {
            try await gate.run {
                let takesVolumes = self.progress.removesVolumes || self.spec.autoRemove
                try await self.removeNow(RemoveOptions(force: false, volumes: takesVolumes))
            }
        } catch {
            log("cannot go on with a container's removal", error)
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
        case .created, .exited, .dead, .removing: break
        }
        // Another removal, which this one has waited for, may have done it.
        if isRemoved { return }
        do {
            // From here on a restarted engine goes on with it: nothing starts what has lost some of its files. The
            // record goes last, so that what could not be removed is still there to be removed again.
            try await commit(spec.autoRemove ? .processCrash : .powerCut) { progress in
                progress.state = .removing(before.lastExit)
                progress.removesVolumes = options.volumes
            }
            try await eraseFiles(options)
            try await eraseRecord()
        } catch {
            note { $0.state = .dead(before.lastExit) }
            throw EngineError(
                .systemCallFailed, "cannot remove container \(id): \(error); remove it again", cause: error)
        }
        isRemoved = true
        releaseLinkNames()
        parts.registry.remove(id, name: name)
        attachments.clear()
        publish("destroy")
        let result = WaitResult(exitCode: before.exitCode, error: nil)
        finishRun(result)
        removal.fulfil(result)
    }

    /// Brought back by a power cut it says `removing`, and goes again.
    private func eraseRecord() async throws {
        try await parts.database.commit(.processCrash, ContainerTable.delete(id))
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

    /// Anonymous volumes that no other container uses. A failure leaves the volume and is logged.
    private func removeVolumes() async {
        let (volumes, registry, id) = (parts.volumes, parts.registry, id)
        for name in mounts.filter(\.isAnonymous).map(\.name) {
            do {
                let isRemoved = try await parts.pool.run {
                    try volumes.removeUnused(name) { registry.usesVolume(name, but: id) }
                }
                if isRemoved { parts.events.publish(.volume, "destroy", name, ["driver": "local"]) }
            } catch {
                log("cannot remove an anonymous volume", error)
            }
        }
    }
}
