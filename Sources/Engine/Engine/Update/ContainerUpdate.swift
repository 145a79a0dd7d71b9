import Cgroups
import OCIModel
import ShimProtocol
import Synchronization

/// What `update` is to change; zero, nil and empty leave a value as it is.
package struct ContainerUpdate: Sendable {
    package var resources: Resources
    package var restartPolicy: RestartPolicy?

    package init(resources: Resources, restartPolicy: RestartPolicy?) {
        self.resources = resources
        self.restartPolicy = restartPolicy
    }
}

extension ContainerService {
    /// Changes the limits of a container, of a running one at once, and its restart policy.
    /// - Returns: warnings in Docker's words
    package func update(_ reference: String, _ update: ContainerUpdate) async throws -> [String] {
        try await find(reference).update(update)
    }
}

extension Container {
    func update(_ update: ContainerUpdate) async throws -> [String] {
        var wanted = update.resources
        let warnings = try wanted.validate(parts.features, isUpdate: true)
        let (checked, policy) = (wanted, update.restartPolicy)
        try await gate.run { try await self.updateNow(checked, policy) }
        return warnings
    }

    /// With the gate held.
    private func updateNow(_ wanted: Resources, _ policy: RestartPolicy?) async throws {
        switch state {
        case .removing, .dead:
            throw refusal("Container is marked for removal and cannot be \"update\".")
        default: break
        }
        if let policy, policy != .no, spec.autoRemove {
            throw refusal(
                "Restart policy cannot be updated because AutoRemove is enabled for the container")
        }
        var merged = spec.resources
        if let conflict = merged.merge(wanted) { throw refusal(conflict) }
        let before = spec.resources
        if merged != before, state.isRunning { try await applyLive(merged, before) }
        try await commit(.powerCut) { progress in
            if merged != before { progress.changes.resources = merged }
            if let policy { progress.changes.restartPolicy = policy }
        }
        if let policy, policy == .no { _ = callOffRestart() }
        publish("update")
    }

    private func applyLive(_ resources: Resources, _ before: Resources) async throws {
        let session = try requireSession()
        var changed = spec
        changed.resources = resources
        let inputs = SpecInputs(
            id: id, spec: changed, hostname: "", mounts: [], features: parts.features,
            configuration: parts.configuration, sharedMemory: .none)
        var limits = try SpecBuilder(inputs).resources([])
        if resources.pidsLimit != before.pidsLimit { limits.pidsLimit = resources.pidsLimit ?? -1 }
        // Devices are not updated, and limits of devices neither.
        limits.devices = []
        do {
            try await ask(session, .update(resources: limits))
        } catch let error as any CategorizedError {
            throw EngineError(
                .wrongState, "Cannot update container \(id): \(error.message)", cause: error,
                category: error.category)
        }
    }

    private func refusal(_ reason: String) -> EngineError {
        EngineError(.wrongState, "Cannot update container \(id): \(reason)")
    }
}

extension Resources {
    /// Takes over what an update sets.
    /// - Returns: what contradicts what is set already, in Docker's words; nil where nothing does
    mutating func merge(_ wanted: Resources) -> String? {
        if let conflict = conflict(with: wanted) { return conflict }
        func set<T: Equatable>(_ path: WritableKeyPath<Resources, T>, unless zero: T) {
            if wanted[keyPath: path] != zero { self[keyPath: path] = wanted[keyPath: path] }
        }
        set(\.blkioWeight, unless: 0)
        set(\.cpuShares, unless: 0)
        set(\.nanoCPUs, unless: 0)
        set(\.cpuPeriod, unless: 0)
        set(\.cpuQuota, unless: 0)
        set(\.cpusetCPUs, unless: "")
        set(\.cpusetMems, unless: "")
        set(\.memory, unless: 0)
        set(\.memorySwap, unless: 0)
        set(\.memoryReservation, unless: 0)
        set(\.kernelMemory, unless: 0)
        set(\.cpuRealtimePeriod, unless: 0)
        set(\.cpuRealtimeRuntime, unless: 0)
        if let limit = wanted.pidsLimit { pidsLimit = max(0, limit) }
        return nil
    }

    private func conflict(with wanted: Resources) -> String? {
        func both(_ new: String, _ old: String) -> String {
            "Conflicting options: \(new) cannot be updated as \(old) has already been set"
        }
        if wanted.nanoCPUs > 0, cpuPeriod > 0 { return both("Nano CPUs", "CPU Period") }
        if wanted.nanoCPUs > 0, cpuQuota > 0 { return both("Nano CPUs", "CPU Quota") }
        if wanted.cpuPeriod > 0, nanoCPUs > 0 { return both("CPU Period", "NanoCPUs") }
        if wanted.cpuQuota > 0, nanoCPUs > 0 { return both("CPU Quota", "NanoCPUs") }
        if wanted.memory != 0, memorySwap >= 0, wanted.memory > memorySwap, wanted.memorySwap == 0 {
            return
                "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the "
                + "same time"
        }
        return nil
    }
}
