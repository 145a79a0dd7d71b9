import Glibc
import JSONCodec
import LinuxKernel
package import OCIModel
import Synchronization

/// An image that is to be made of a container.
package struct ContainerCommit: Sendable {
    /// The container's own; nil, or one that is gone, where it was removed by force.
    package let image: Digest?
    package let containerID: String
    package var repository = ""
    package var tag = ""
    package var comment = ""
    package var author = ""
    /// What the history names as the layer's cause.
    package var createdBy = ""
    /// Dockerfile instructions.
    package var changes: [String] = []
    /// The container's configuration.
    package var defaults = ImageDefaults()
    /// What goes before it; nil for nothing.
    package var override: ImageDefaults?

    package init(image: Digest?, containerID: String) {
        self.image = image
        self.containerID = containerID
    }
}

/// The same with everything checked that can be refused.
package struct PreparedCommit: Sendable {
    let request: ContainerCommit
    let defaults: ImageDefaults
    package let reference: Reference?
}

/// A container's changes as a layer that is in no image yet; goes with its last reference.
package final class StagedLayer: Sendable {
    let outcome: LayerIntake.Outcome
    private let staging: StagingFolder

    init(_ outcome: LayerIntake.Outcome, _ staging: StagingFolder) {
        self.outcome = outcome
        self.staging = staging
    }
}

extension ImageStore {
    /// Checks what a commit asks for, before anything is read or stopped.
    /// - Throws: `ImageError` (`invalidArgument`) in Docker's words
    package func prepare(_ request: ContainerCommit) throws -> PreparedCommit {
        let reference =
            request.repository.isEmpty ? nil : try Self.makeReference(request.repository, request.tag)
        var defaults = request.override ?? request.defaults
        for change in try ConfigurationChange.all(in: request.changes) { try change.apply(to: &defaults) }
        if request.override != nil { defaults.complete(from: request.defaults) }
        return PreparedCommit(request: request, defaults: defaults, reference: reference)
    }

    /// Reads a container's writable layer once, as an archive, and makes a layer of it. The container may run; what it
    /// changes meanwhile is in the layer or not.
    /// - Throws: `ImageError` (`exhausted` where the disk is full)
    package func stage(_ layer: ContainerLayer) throws -> StagedLayer {
        do {
            let staging = try StagingFolder(paths, trash: trash)
            let pool = ChunkPool()
            let intake = try LayerIntake(
                folder: "\(staging.path)/0", compression: .none, keeping: .dropped, pool: pool)
            do {
                // Of its own mount: no device of the container's can be opened there.
                let upper = try openTree(paths(of: layer).upper, recursively: false)
                try changeMount(upper.rawValue, set: [.readOnly, .noDevices, .noSetUID, .noExecute])
                var options = TreeArchiveWriter.Options()
                options.isOverlayUpper = layer.driver != .vfs
                options.includesRoot = layer.driver == .vfs
                let sink = IntakeSink(intake, pool)
                let writer = TreeArchiveWriter(to: sink, options)
                let directory = try openFile(".", O_RDONLY | O_DIRECTORY, at: upper.rawValue)
                try writer.addDirectory(directory.rawValue, as: [])
                try writer.finish()
                try sink.flush()
            } catch {
                intake.fail(error)
                throw error
            }
            intake.finish()
            return StagedLayer(try intake.outcome(), staging)
        } catch {
            throw Self.translate(error)
        }
    }

    /// Makes the image visible. A layer without changes is none.
    /// - Returns: its id
    package func finish(_ commit: PreparedCommit, _ staged: StagedLayer, of layer: ContainerLayer) throws
        -> Digest
    {
        do {
            let base = commit.request.image.flatMap { id in state.withLock { $0.images[id] } }
            let isEmpty = staged.outcome.record.archiveSize == 1024
            // A copy of the image with its changes is all that the new one has.
            let isWhole = layer.driver == .vfs
            let below = base?.configuration.rootFilesystem.diffIDs ?? layer.layers.reversed()
            var diffIDs = isWhole ? [] : below
            var layers = diffIDs.map { ArchiveContents.Layer(diffID: $0, outcome: nil) }
            if !isEmpty {
                diffIDs.append(staged.outcome.record.diffID)
                layers.append(
                    ArchiveContents.Layer(diffID: staged.outcome.record.diffID, outcome: staged.outcome))
            }
            var configuration = configuration(commit, base, diffIDs, isEmpty: isEmpty)
            if isWhole {
                for index in configuration.history.indices.dropLast() {
                    configuration.history[index].emptyLayer = true
                }
            }
            let bytes = try JSONValue(encoding: configuration).bytes()
            var image = ArchiveContents.FoundImage(
                id: sha256(bytes), configurationBytes: bytes, configuration: configuration,
                references: commit.reference.map { [$0] } ?? [], layers: layers, manifest: nil)
            image.parent = base?.id
            _ = try self.commit([image])
            return image.id
        } catch {
            throw Self.translate(error)
        }
    }

    private func configuration(
        _ commit: PreparedCommit, _ base: Image?, _ diffIDs: [Digest], isEmpty: Bool
    ) -> ImageConfiguration {
        let (request, now) = (commit.request, Timestamp.now)
        var configuration = ImageConfiguration(
            platform: base?.configuration.platform ?? platform, created: now, config: commit.defaults,
            diffIDs: diffIDs)
        configuration.history = base?.configuration.history ?? []
        configuration.history.append(
            ImageConfiguration.History(
                created: now, createdBy: request.createdBy.isEmpty ? nil : request.createdBy,
                author: request.author.isEmpty ? nil : request.author,
                comment: request.comment.isEmpty ? nil : request.comment, emptyLayer: isEmpty ? true : nil))
        configuration.author = request.author.isEmpty ? nil : request.author
        configuration.comment = request.comment.isEmpty ? nil : request.comment
        configuration.container = request.containerID
        return configuration
    }
}

extension ImageDefaults {
    /// Takes over what is not set, as Docker merges two configurations.
    fileprivate mutating func complete(from other: ImageDefaults) {
        if user.isEmpty { user = other.user }
        exposedPorts = Set(exposedPorts + other.exposedPorts).sorted()
        let named = Set(environment.map { $0.prefix { $0 != "=" } })
        environment += other.environment.filter { !named.contains($0.prefix { $0 != "=" }) }
        if (entrypoint ?? []).isEmpty {
            if (command ?? []).isEmpty { command = other.command }
            if entrypoint == nil { entrypoint = other.entrypoint }
        }
        volumes = Set(volumes + other.volumes).sorted()
        if workingDirectory.isEmpty { workingDirectory = other.workingDirectory }
        labels.merge(other.labels) { own, _ in own }
        if stopSignal == nil { stopSignal = other.stopSignal }
        if healthcheck == nil { healthcheck = other.healthcheck }
        if shell == nil { shell = other.shell }
    }
}

/// Gives an archive that is being written to the one that unpacks it.
private final class IntakeSink: ByteSink {
    private let intake: LayerIntake
    private let pool: ChunkPool
    private var chunk: Chunk

    init(_ intake: LayerIntake, _ pool: ChunkPool) {
        self.intake = intake
        self.pool = pool
        chunk = pool.take()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = min(rest.count, chunk.space.count)
            chunk.space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
            chunk.count += count
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            if chunk.isFull { try flush() }
        }
    }

    func flush() throws {
        guard chunk.count > 0 else { return }
        try intake.feed(chunk)
        chunk = pool.take()
    }
}
