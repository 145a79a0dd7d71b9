import ImageStore
package import OCIModel

/// What is known of a volume.
package struct VolumeInspection: Sendable, Hashable {
    package let name: String
    /// Where its files are on the host.
    package let mountPoint: String
    /// nil where its record is lost.
    package let created: Timestamp?
    package let labels: [String: String]
    /// Of the driver, which is always `local`.
    package let options: [String: String]
    /// Made for one container because nobody named it.
    package let isAnonymous: Bool
}

/// A volume and what it occupies.
package struct VolumeUsage: Sendable, Hashable {
    package let volume: VolumeInspection
    /// How many containers use it.
    package let links: Int
    /// Bytes, as `du` counts them.
    package let size: Int64
}

/// Volumes: `create`, `ls`, `inspect`, `rm`, `prune`, and what `system df` tells of them.
package final class VolumeService: Sendable {
    let parts: EngineParts

    init(_ parts: EngineParts) { self.parts = parts }

    /// Volumes that fit, by name.
    /// - Throws: `EngineError` for an unknown filter
    package func list(_ filters: Filters) async throws -> [VolumeInspection] {
        try filters.require(keys: ["dangling", "driver", "label", "label!", "name"])
        let dangling = try filters.flag("dangling")
        let parts = parts
        return try await parts.pool.run {
            let used = dangling == nil ? [] : parts.registry.usedVolumes
            return try parts.volumes.list().map(parts.volumes.inspect).filter { volume in
                filters.matches("driver") { $0 == "local" }
                    && filters.matches("name") { NamePattern.matches($0, volume.name) }
                    && filters.matchesLabels(volume.allLabels)
                    && (filters["label!"].isEmpty || !filters.matchesLabels(volume.allLabels, key: "label!"))
                    && (dangling == nil || dangling != used.contains(volume.name))
            }
        }
    }

    /// - Throws: `EngineError` in Docker's words where there is none
    package func inspect(_ name: String) async throws -> VolumeInspection {
        let parts = parts
        return try await parts.pool.run {
            try parts.volumes.require(name)
            return parts.volumes.inspect(name)
        }
    }

    /// Finds or makes a volume; one that exists stays as it is.
    /// - Throws: `EngineError` in Docker's words
    package func create(_ request: VolumeRequest) async throws -> VolumeInspection {
        let parts = parts
        let (volume, created) = try await parts.pool.run {
            let made = try parts.volumes.ensure(request)
            defer { parts.volumes.letGo([made.name]) }
            return (parts.volumes.inspect(made.name), made.created)
        }
        if created { publish("create", volume.name) }
        return volume
    }

    /// Removes a volume with its files.
    /// - Parameter force: one that does not exist is no error
    /// - Throws: `EngineError` in Docker's words where a container has it, naming all of them
    package func remove(_ name: String, force: Bool) async throws {
        let parts = parts
        let isRemoved = try await parts.pool.runAlone {
            do throws(EngineError) {
                try parts.volumes.require(name)
            } catch {
                if force { return false }
                throw error
            }
            let isRemoved = try parts.volumes.removeUnused(name) { parts.registry.usesVolume(name, but: "") }
            if isRemoved { return true }
            // Somebody else may have removed it.
            if !force { try parts.volumes.require(name) }
            guard parts.volumes.exists(name) else { return false }
            throw Self.inUse("remove", name, parts.registry.users(ofVolume: name))
        }
        if isRemoved { publish("destroy", name) }
    }

    static func inUse(_ operation: String, _ name: String, _ users: [Container]) -> EngineError {
        guard !users.isEmpty else {
            return EngineError(
                .volumeInUse,
                "\(operation) \(name): volume is in use: it is being copied, or a container is being made with it; try "
                    + "again when that is done")
        }
        let ids = users.map(\.id).joined(separator: ", ")
        return EngineError(.volumeInUse, "\(operation) \(name): volume is in use - [\(ids)]")
    }

    func publish(_ action: String, _ name: String) {
        parts.events.publish(.volume, action, name, ["driver": "local"])
    }

    /// All volumes that nothing of the user's is mounted on, by name: that may be large, far away, and no part of
    /// what the engine keeps.
    package func usage() async throws -> [VolumeUsage] {
        let parts = parts
        return try await parts.pool.run {
            try parts.volumes.list().filter { parts.volumes.options(of: $0) == nil }.map { name in
                VolumeUsage(
                    volume: parts.volumes.inspect(name), links: parts.registry.users(ofVolume: name).count,
                    size: try ImageStore.blocks(below: "\(parts.volumes.root)/\(name)"))
            }
        }
    }

    /// Removes volumes that no container has.
    /// - Parameters:
    ///   - filters: `label`, `label!`, and `all` for those with a name too
    ///   - takesNamed: what holds without `all`
    /// - Returns: their names
    package func prune(_ filters: Filters, takesNamed: Bool) async throws -> PruneResult {
        try filters.require(keys: takesNamed ? ["label", "label!"] : ["all", "label", "label!"])
        let all = try filters.flag("all") ?? takesNamed
        let parts = parts
        let result = try await parts.pool.runAlone {
            var result = PruneResult()
            for name in try parts.volumes.list() {
                let volume = parts.volumes.inspect(name)
                // A volume without a record may be anything but anonymous. What others have is nobody's to prune.
                guard all || volume.isAnonymous, volume.options.isEmpty,
                    filters.matchesLabels(volume.allLabels),
                    filters["label!"].isEmpty || !filters.matchesLabels(volume.allLabels, key: "label!")
                else { continue }
                let size = try ImageStore.blocks(below: "\(parts.volumes.root)/\(name)")
                guard
                    try parts.volumes.removeUnused(
                        name, isUsed: { parts.registry.usesVolume(name, but: "") })
                else { continue }
                result.ids.append(name)
                result.reclaimed += size
            }
            return result
        }
        for name in result.ids { publish("destroy", name) }
        parts.events.publish(.volume, "prune", "", ["reclaimed": "\(result.reclaimed)"])
        return result
    }
}

extension VolumeInspection {
    /// Of a volume that nobody named, for clients since API 1.42.
    package static let anonymousLabel = "com.docker.volume.anonymous"

    /// With the one that tells of an anonymous volume.
    package var allLabels: [String: String] {
        isAnonymous ? labels.merging([Self.anonymousLabel: ""]) { own, _ in own } : labels
    }
}

extension VolumeStore {
    func inspect(_ name: String) -> VolumeInspection {
        let record = record(of: name)
        return VolumeInspection(
            name: name, mountPoint: path(of: name), created: record?.created, labels: record?.labels ?? [:],
            options: record?.options ?? [:], isAnonymous: record?.isAnonymous == true)
    }

    /// - Throws: in Docker's words where there is no such volume
    func require(_ name: String) throws(EngineError) {
        guard exists(name) else { throw EngineError(.noSuchVolume, "get \(name): no such volume") }
    }
}

extension Container {
    /// Names of the volumes that it has, each once, in the order of its mounts.
    nonisolated var volumeNames: [String] {
        var seen: Set<String> = []
        return mounts.filter { $0.kind == .volume }.map(\.name).filter { seen.insert($0).inserted }
    }
}

extension ContainerRegistry {
    /// Containers that have a volume, the oldest first.
    func users(ofVolume name: String) -> [Container] {
        all.filter { $0.volumeNames.contains(name) }
            .sorted { $0.definition.created < $1.definition.created }
    }

    /// Names of the volumes that containers have.
    var usedVolumes: Set<String> { Set(all.flatMap(\.volumeNames)) }

    /// Whether a container other than `id` has a volume.
    func usesVolume(_ name: String, but id: String) -> Bool {
        all.contains { $0.id != id && $0.volumeNames.contains(name) }
    }
}
