import Glibc
package import ImageStore
import LinuxKernel
import Logging
import OCIModel
import Synchronization

/// Volumes as tar archives.
extension VolumeService {
    /// Writes a volume's files, from `./` on, with owners, modes, times of the nanosecond, extended attributes, hard
    /// links and holes.
    /// - Parameters:
    ///   - pauses: whether containers that run with it are paused until the whole archive has been taken
    ///   - sink: asked for once, when everything that can be refused has been
    package func export(
        _ volume: String, pauses: Bool, to sink: @escaping @Sendable () throws -> any ByteSink
    ) async throws {
        let parts = parts
        try parts.volumes.require(volume)
        _ = try await withVolume(volume, "export", nil) { staged in
            // Holds nothing but who is paused.
            try await parts.pool.run { try makeDirectories(staged, mode: 0o700) }
            try await self.whilePaused(volume, pauses, staged) {
                let folder = try openFile(parts.volumes.path(of: volume), O_RDONLY | O_DIRECTORY)
                var options = TreeArchiveWriter.Options()
                options.keepsNanoseconds = true
                let writer = TreeArchiveWriter(to: try sink(), options)
                try writer.addDirectory(folder.rawValue, as: [])
                try writer.finish()
            }
            try await parts.pool.run { try parts.volumes.removeFolder(staged) }
        }
    }

    /// Makes a volume of an archive, plain or compressed with gzip or zstd.
    /// - Throws: `EngineError`, `.nameInUse` where there is a volume of the name; `ImageError` where the archive is none
    package func importArchive(
        from source: @escaping @Sendable () throws -> any ByteSource, name: String
    ) async throws -> VolumeInspection {
        let parts = parts
        try checkNew(name)
        let volumes = parts.volumes
        try await parts.pool.runAlone {
            let staged = volumes.stagedFolder()
            do {
                try volumes.stage(staged, nil)
                let root = try openFile("\(staged)/_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                var extraction = TreeExtraction()
                extraction.setsRoot = true
                let outcome = try extraction.run(try source(), into: root)
                if outcome.droppedAttributes > 0 {
                    parts.logger.warning(
                        "a volume's filesystem cannot hold some extended attributes of an archive",
                        metadata: ["volume": "\(name)", "count": "\(outcome.droppedAttributes)"])
                }
                try Self.sync(staged)
                let record = VolumeStore.Record(created: .now)
                guard try volumes.appear(staged, record, as: name) else { throw Self.taken(name) }
            } catch {
                if fileExists(staged) { try? volumes.removeFolder(staged) }
                throw VolumeStore.failure("import volume \(name)", error)
            }
        }
        publish("create", name)
        return try await inspect(name)
    }
}
