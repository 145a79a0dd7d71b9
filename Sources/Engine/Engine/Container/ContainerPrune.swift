package import OCIModel

/// What a clean-up removed.
package struct PruneResult: Sendable {
    package var ids: [String] = []
    /// Bytes.
    package var reclaimed: Int64 = 0
}

extension ContainerService {
    private static let pruneFilters: Set<String> = ["label", "label!", "until"]

    /// Removes the containers that do not run.
    /// - Parameter until: only those that were created before
    /// - Throws: `EngineError` for an unknown filter
    package func prune(_ filters: Filters, until: Timestamp?) async throws -> PruneResult {
        try filters.require(keys: Self.pruneFilters)
        var result = PruneResult()
        for container in parts.registry.all.sorted(by: { $0.definition.created < $1.definition.created }) {
            try Task.checkCancellation()
            guard isPruned(container, filters, until) else { continue }
            let size = await measure(container)
            do {
                try await container.remove(RemoveOptions())
            } catch {
                // Started or removed meanwhile: not one of those that were meant.
                container.log("cannot prune a container", error)
                continue
            }
            result.ids.append(container.id)
            result.reclaimed += size
        }
        parts.events.publish(.container, "prune", "", ["reclaimed": "\(result.reclaimed)"])
        return result
    }

    /// One that cannot be measured is removed nevertheless.
    private func measure(_ container: Container) async -> Int64 {
        do {
            return try await sizeIfThere(container.id)?.writable ?? 0
        } catch {
            container.log("cannot measure a container", error)
            return 0
        }
    }

    private func isPruned(_ container: Container, _ filters: Filters, _ until: Timestamp?) -> Bool {
        switch container.state {
        case .created, .exited, .dead: break
        default: return false
        }
        if let until, container.definition.created >= until { return false }
        let labels = container.spec.labels
        return filters.matchesLabels(labels)
            && (filters["label!"].isEmpty || !filters.matchesLabels(labels, key: "label!"))
    }
}
