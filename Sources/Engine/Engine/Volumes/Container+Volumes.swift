import Logging

extension Container {
    /// Makes the files of the container's volumes appear on the host, for its run.
    /// - Throws: `EngineError` in Docker's words; those that were mounted before stay until `unmountVolumes`
    func mountVolumes() async throws {
        let names = volumeNames
        guard !names.isEmpty else { return }
        hasVolumesMounted = true
        let (volumes, id) = (parts.volumes, id)
        // On a thread of its own: a remote share may keep it for minutes.
        let mount: @Sendable () throws -> Void = { for name in names { try volumes.mount(name, for: id) } }
        if names.contains(where: { volumes.options(of: $0)?.needsMount == true }) {
            try await parts.pool.runAlone(mount)
        } else {
            try await parts.pool.run(mount)
        }
        for mount in mounts where mount.kind == .volume {
            parts.events.publish(
                .volume, "mount", mount.name,
                [
                    "container": id, "destination": mount.destination, "driver": "local",
                    "propagation": mount.propagation, "read/write": "\(mount.isWritable)",
                ])
        }
    }

    /// Ends the container's use of its volumes. A failure is logged: the next start, or the next engine, tries again.
    func unmountVolumes() async {
        guard hasVolumesMounted else { return }
        hasVolumesMounted = false
        let (volumes, id) = (parts.volumes, id)
        for name in volumeNames {
            do {
                if volumes.options(of: name)?.needsMount == true {
                    try await parts.pool.runAlone { try volumes.unmount(name, for: id) }
                } else {
                    try volumes.unmount(name, for: id)
                }
            } catch {
                log("cannot unmount a volume", error)
            }
            parts.events.publish(.volume, "unmount", name, ["container": id, "driver": "local"])
        }
    }

    /// An engine found the container running: what it has mounted stays until its end.
    func adoptVolumes() {
        guard state.isRunning else { return }
        hasVolumesMounted = true
        for name in volumeNames { parts.volumes.adopt(name, by: id) }
    }
}
