import CLinux
import Glibc
import ImageStore
import LinuxKernel
import Logging
import OCIModel
import Synchronization

/// How a volume is copied.
package struct VolumeCopyOptions: Sendable {
    /// Whether containers that run with it are paused meanwhile, and none is started: the copy is of one moment then.
    package var pauses = true
    /// Called by the thread that copies.
    package var report: @Sendable (VolumeCopyProgress) -> Void = { _ in }

    package init() {}
}

/// Copies of volumes: a staged folder is filled, synced and renamed; what a crash leaves of it goes at the next start.
/// A caller whose task is cancelled calls the copy off.
extension VolumeService {
    /// Makes a further volume with the same files, labels and limit.
    /// - Returns: what was copied
    /// - Throws: `EngineError`; `.nameInUse` where there is a volume of the new name
    package func clone(
        _ source: String, to target: String, _ options: VolumeCopyOptions
    ) async throws -> VolumeCopyProgress {
        let parts = parts
        try checkNew(target)
        let result = try await copy(source, "clone", options) { staged in
            let old = parts.volumes.record(of: source)
            var record = VolumeStore.Record(created: .now, labels: old?.labels ?? [:])
            if let size = old?.options?["size"] { record.options = ["size": size] }
            guard try parts.volumes.appear(staged, record, as: target) else { throw Self.taken(target) }
        }
        publish("create", target)
        return result
    }

    /// Keeps what a volume holds now.
    package func createSnapshot(
        _ name: String, of volume: String, _ options: VolumeCopyOptions
    ) async throws -> VolumeCopyProgress {
        let parts = parts
        guard VolumeName.isValid(name) else { throw VolumeName.refusal(name) }
        let taken = EngineError(
            .nameInUse, "volume \(volume) has a snapshot \(name) already: remove it, or use another name")
        if fileExists(parts.volumes.snapshotPath(name, of: volume)) { throw taken }
        return try await copy(volume, "make a snapshot of", options) { staged in
            guard try parts.volumes.appear(staged, asSnapshot: name, of: volume) else { throw taken }
        }
    }

    /// By name.
    package func snapshots(of volume: String) async throws -> [VolumeSnapshot] {
        let parts = parts
        return try await parts.pool.run {
            try parts.volumes.require(volume)
            return try parts.volumes.snapshots(of: volume).map { name in
                VolumeSnapshot(
                    name: name, created: parts.volumes.snapshotTime(name, of: volume),
                    size: try ImageStore.blocks(below: parts.volumes.snapshotPath(name, of: volume)))
            }
        }
    }

    package func removeSnapshot(_ name: String, of volume: String) async throws {
        let parts = parts
        try await parts.pool.runAlone {
            do {
                try parts.volumes.require(snapshot: name, of: volume)
                try parts.volumes.remove(snapshot: name, of: volume)
            } catch {
                throw VolumeStore.failure("remove snapshot \(name) of volume \(volume)", error)
            }
        }
    }

    /// Puts a snapshot's files in the place of the volume's, which are gone then. The snapshot stays.
    /// - Throws: `EngineError`; `.volumeInUse` where a container runs with the volume
    package func restore(
        _ name: String, of volume: String, _ options: VolumeCopyOptions
    ) async throws -> VolumeCopyProgress {
        let parts = parts
        try parts.volumes.require(snapshot: name, of: volume)
        guard parts.volumes.options(of: volume)?.needsMount != true else {
            throw EngineError.invalid(
                "restore \(volume): its files are not the engine's own, but on what is mounted (\(parts.volumes.inspect(volume).options["device"] ?? "")): "
                    + "copy them from a clone")
        }
        try requireIdle(volume)
        let monitor = CopyMonitor(total: 0, report: options.report)
        return try await staged(volume, "restore", monitor) { staged in
            try parts.volumes.stage(staged, parts.volumes.options(of: volume))
            try parts.volumes.copyTree(
                from: parts.volumes.snapshotPath(name, of: volume) + "/_data", to: "\(staged)/_data", monitor)
            try Self.sync(staged)
            guard try parts.volumes.exchange(volume, with: staged) else {
                try self.requireIdle(volume)
                throw Self.inUse("restore", volume, [])
            }
            try parts.volumes.removeFolder(staged)
        }
    }

    // MARK: Parts

    func checkNew(_ name: String) throws {
        guard VolumeName.isValid(name) else { throw VolumeName.refusal(name) }
        if parts.volumes.exists(name) { throw Self.taken(name) }
    }

    static func taken(_ name: String) -> EngineError {
        EngineError(.nameInUse, "a volume \(name) exists already: remove it, or use another name")
    }

    private func requireIdle(_ volume: String) throws {
        let running = parts.registry.users(ofVolume: volume).filter { $0.state.isActive }
        if running.isEmpty { return }
        throw EngineError(
            .volumeInUse,
            "restore \(volume): volume is in use - [\(running.map(\.id).joined(separator: ", "))]: stop these "
                + "containers first")
    }

    static func sync(_ folder: String) throws {
        let file = try openFile(folder, O_RDONLY | O_DIRECTORY)
        try rawCall("syncfs", folder) { skiff_syncfs(file.rawValue) }
    }

    /// Copies a volume's files into a staged folder, then lets `finish` make something of it.
    private func copy(
        _ volume: String, _ verb: String, _ options: VolumeCopyOptions,
        finish: @escaping @Sendable (String) throws -> Void
    ) async throws -> VolumeCopyProgress {
        let parts = parts
        try parts.volumes.require(volume)
        let total = try await parts.pool.run {
            try ImageStore.blocks(below: parts.volumes.path(of: volume))
        }
        let monitor = CopyMonitor(total: total, report: options.report)
        return try await withVolume(volume, verb, monitor) { staged in
            let limit = parts.volumes.options(of: volume).flatMap { $0.size > 0 ? $0 : nil }
            try await parts.pool.run { try parts.volumes.stage(staged, limit) }
            try await self.whilePaused(volume, options.pauses, staged) {
                try parts.volumes.copyTree(
                    from: parts.volumes.path(of: volume), to: "\(staged)/_data", monitor)
            }
            try await parts.pool.runAlone {
                try Self.sync(staged)
                try finish(staged)
            }
        }
    }

    /// As `withVolume`, for work that only blocks.
    private func staged(
        _ volume: String, _ verb: String, _ monitor: CopyMonitor,
        _ body: @escaping @Sendable (String) throws -> Void
    ) async throws -> VolumeCopyProgress {
        let parts = parts
        return try await withVolume(volume, verb, monitor, mounts: false) { staged in
            try await parts.pool.runAlone { try body(staged) }
        }
    }

    /// Keeps a volume from being removed, and its files there, while `body` fills a staged folder; where it fails the
    /// folder goes.
    func withVolume(
        _ volume: String, _ verb: String, _ monitor: CopyMonitor?, mounts: Bool = true,
        _ body: @Sendable (_ staged: String) async throws -> Void
    ) async throws -> VolumeCopyProgress {
        let parts = parts
        let volumes = parts.volumes
        let staged = volumes.stagedFolder()
        volumes.hold(volume)
        defer { volumes.letGo([volume]) }
        do {
            if mounts { try await parts.pool.runAlone { try volumes.mount(volume, for: staged) } }
            try await withTaskCancellationHandler {
                try await body(staged)
            } onCancel: {
                monitor?.cancel()
            }
        } catch {
            await attempt("remove a copy") { if fileExists(staged) { try volumes.removeFolder(staged) } }
            if mounts { await attempt("unmount a volume") { try volumes.unmount(volume, for: staged) } }
            throw VolumeStore.failure("\(verb) volume \(volume)", error)
        }
        if mounts { await attempt("unmount a volume") { try volumes.unmount(volume, for: staged) } }
        return monitor?.result ?? VolumeCopyProgress()
    }

    private func attempt(_ step: String, _ body: @escaping @Sendable () throws -> Void) async {
        do {
            try await parts.pool.runAlone(body)
        } catch {
            parts.logger.warning(
                "cannot clear up after a volume's copy", metadata: ["op": "\(step)", "error": "\(error)"])
        }
    }
}

extension VolumeStore {
    /// The files of one folder into another, which exists.
    func copyTree(from source: String, to target: String, _ monitor: CopyMonitor) throws {
        let from = try openFile(source, O_RDONLY | O_DIRECTORY)
        let to = try openFile(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try TreeCopy.copy(from: from.rawValue, to: to.rawValue, monitor: monitor)
    }
}
