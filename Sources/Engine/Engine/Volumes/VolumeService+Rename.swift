import Logging

extension VolumeService {
    /// Gives a volume another name, in the containers that have it, too; those that run go on.
    /// - Throws: `EngineError`; `.nameInUse` where there is a volume of the new name
    package func rename(_ name: String, to target: String) async throws {
        try parts.volumes.require(name)
        try checkNew(target)
        let containers = parts.registry.users(ofVolume: name).sorted { $0.id < $1.id }
        // None of them starts or goes meanwhile.
        try await withGates(containers[...]) { try await self.rename(name, target, containers) }
        parts.events.publish(.volume, "rename", target, ["driver": "local", "oldName": name])
    }

    private func withGates(
        _ containers: ArraySlice<Container>, _ body: @Sendable () async throws -> Void
    ) async throws {
        guard let first = containers.first else { return try await body() }
        try await first.gate.run { try await self.withGates(containers.dropFirst(), body) }
    }

    private func rename(_ name: String, _ target: String, _ containers: [Container]) async throws {
        let parts = parts
        let ids = containers.map(\.id)
        let rename = VolumeRename(from: name, to: target, containers: ids)
        do {
            let isDone = try await parts.pool.run {
                try parts.volumes.carryOut(rename) {
                    Set(parts.registry.users(ofVolume: name).map(\.id)) == Set(ids)
                }
            }
            guard isDone else { throw Self.inUse("rename", name, []) }
            for container in containers { try await container.renameVolume(name, to: target) }
            try await parts.pool.run { try parts.volumes.forgetRename(of: target) }
        } catch {
            throw VolumeStore.failure("rename volume \(name)", error)
        }
    }
}

extension Container {
    /// What is mounted where, after the volumes' new names.
    nonisolated var mounts: [MountPoint] { progress.changes.mounts ?? definition.mounts }

    /// Remembers a volume's new name. Again does no harm.
    func renameVolume(_ name: String, to target: String) async throws {
        let (volumes, spec, mounts) = (parts.volumes, spec.mounts, mounts)
        let renamed = try spec.renaming(volume: name, to: target)
        try await commit(.powerCut) { progress in
            progress.changes.mountSpec = renamed
            progress.changes.mounts = mounts.map { mount in
                guard mount.kind == .volume, mount.name == name else { return mount }
                var mount = mount
                mount.name = target
                let old = volumes.path(of: name)
                if mount.source.hasPrefix(old) {
                    mount.source = volumes.path(of: target) + mount.source.dropFirst(old.count)
                }
                return mount
            }
        }
    }
}

extension MountSpec {
    fileprivate func renaming(volume name: String, to target: String) throws(EngineError) -> MountSpec {
        var spec = self
        for index in binds.indices where binds[index].isVolume && binds[index].source == name {
            spec.binds[index] = try BindText(parsing: target + binds[index].text.dropFirst(name.count))
        }
        for index in requests.indices {
            guard case .volume(var volume) = requests[index].kind, volume.name == name else { continue }
            volume.name = target
            spec.requests[index].kind = .volume(volume)
        }
        return spec
    }
}

extension Recovery {
    /// Volumes whose renaming a crash has cut off get their new name in every container that has them.
    func finishRenames(_ containers: [Container]) async throws {
        let volumes = parts.volumes
        for (name, rename) in try await parts.pool.run({ try volumes.leftRenames() }) {
            if name == rename.to {
                for container in containers where rename.containers.contains(container.id) {
                    try await container.renameVolume(rename.from, to: rename.to)
                }
            }
            try await parts.pool.run { try volumes.forgetRename(of: name) }
        }
    }
}
