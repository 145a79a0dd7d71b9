import ImageStore
package import OCIModel

/// A volume and what it occupies.
package struct VolumeUsage: Sendable, Hashable {
    package let name: String
    package let mountPoint: String
    /// nil where its record is lost.
    package let created: Timestamp?
    package let labels: [String: String]
    /// How many containers use it.
    package let links: Int
    /// Bytes, as `du` counts them.
    package let size: Int64
}

/// Volumes: what `system df` tells of them, and `prune`.
package final class VolumeService: Sendable {
    private let parts: EngineParts

    init(_ parts: EngineParts) { self.parts = parts }

    /// All volumes, by name.
    package func usage() async throws -> [VolumeUsage] {
        let parts = parts
        return try await parts.pool.run {
            try parts.volumes.list().map { name in
                let record = parts.volumes.record(of: name)
                return VolumeUsage(
                    name: name, mountPoint: parts.volumes.path(of: name), created: record?.created,
                    labels: record?.labels ?? [:], links: parts.registry.countOfUses(volume: name),
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
        try filters.require(keys: ["all", "label", "label!"])
        let all = try filters.flag("all") ?? takesNamed
        let parts = parts
        let result = try await parts.pool.runAlone {
            var result = PruneResult()
            for name in try parts.volumes.list() {
                // A volume without a record may be anything but anonymous.
                let record = parts.volumes.record(of: name)
                guard all || record?.isAnonymous == true, filters.matchesLabels(record?.labels ?? [:]),
                    filters["label!"].isEmpty || !filters.matchesLabels(record?.labels ?? [:], key: "label!")
                else { continue }
                let size = try ImageStore.blocks(below: "\(parts.volumes.root)/\(name)")
                guard
                    try parts.volumes.removeUnused(
                        name, isUsed: { parts.registry.countOfUses(volume: name) > 0 })
                else { continue }
                result.ids.append(name)
                result.reclaimed += size
            }
            return result
        }
        for name in result.ids { parts.events.publish(.volume, "destroy", name, ["driver": "local"]) }
        parts.events.publish(.volume, "prune", "", ["reclaimed": "\(result.reclaimed)"])
        return result
    }
}

extension ContainerRegistry {
    /// How many containers have a volume.
    func countOfUses(volume name: String) -> Int {
        all.count { $0.definition.mounts.contains { $0.kind == .volume && $0.name == name } }
    }

    /// Whether a container other than `id` has a volume.
    func usesVolume(_ name: String, but id: String) -> Bool {
        all.contains { container in
            container.id != id
                && container.definition.mounts.contains { $0.kind == .volume && $0.name == name }
        }
    }
}
