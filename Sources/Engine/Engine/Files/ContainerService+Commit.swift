import ImageStore
package import OCIModel

/// What an image made of a container says.
package struct CommitOptions: Sendable {
    package var repository = ""
    package var tag = ""
    package var comment = ""
    package var author = ""
    /// Dockerfile instructions.
    package var changes: [String] = []
    /// Whether the container stands still while its files are read.
    package var pauses = true
    /// What goes before the container's own configuration; nil for nothing.
    package var defaults: ImageDefaults?

    package init() {}
}

extension ContainerService {
    /// Makes an image of a container: its image's layers and what it changed as one more.
    /// - Returns: the image's id
    package func commit(_ reference: String, _ options: CommitOptions) async throws -> Digest {
        let container = try find(reference)
        switch container.state {
        case .dead:
            throw EngineError(.wrongState, "You cannot commit container \(container.id) which is Dead")
        case .removing:
            throw EngineError(
                .wrongState, "You cannot commit container \(container.id) which is being removed")
        default: break
        }
        let (images, definition) = (parts.images, container.definition)
        var request = ContainerCommit(image: Digest(definition.imageID), containerID: container.id)
        (request.comment, request.author, request.changes) = (
            options.comment, options.author, options.changes
        )
        (request.repository, request.tag) = (options.repository, options.tag)
        request.createdBy = (container.spec.process.command ?? []).joined(separator: " ")
        request.defaults = ImageDefaults(container.spec)
        request.override = options.defaults
        let prepared = try images.prepare(request)
        let layer = try await standingStill(container, options.pauses) {
            try await parts.pool.runAlone { try images.stage(definition.layer) }
        }
        let id = try await parts.pool.runAlone { try images.finish(prepared, layer, of: definition.layer) }
        container.publish(
            "commit",
            [
                "comment": options.comment, "imageID": id.description,
                "imageRef": prepared.reference?.description ?? "",
            ])
        return id
    }

    /// Pauses a container that runs while `body` does its work.
    private func standingStill<T: Sendable>(
        _ container: Container, _ pauses: Bool, _ body: () async throws -> T
    ) async throws -> T {
        guard pauses, case .running = container.state else { return try await body() }
        do {
            try await container.pause()
        } catch let error as EngineError where error.code == .wrongState {
            return try await body()  // it has ended, or somebody else paused it
        }
        do {
            let result = try await body()
            try await resume(container)
            return result
        } catch {
            try await resume(container)
            throw error
        }
    }

    private func resume(_ container: Container) async throws {
        do {
            try await container.unpause()
        } catch let error as EngineError where error.code == .wrongState {
            return  // it was killed or unpaused meanwhile
        }
    }
}

extension ImageDefaults {
    /// A container's configuration as that of an image.
    init(_ spec: ContainerSpec) {
        self.init()
        user = spec.process.user
        exposedPorts = spec.exposedPorts.map(\.text).sorted()
        environment = spec.process.environment
        entrypoint = spec.process.entrypoint.flatMap { $0.isEmpty ? nil : $0 }
        command = spec.process.command.flatMap { $0.isEmpty ? nil : $0 }
        volumes = spec.anonymousVolumes.sorted()
        workingDirectory = spec.process.workingDirectory
        labels = spec.labels
        stopSignal = spec.stopSignal.isEmpty ? nil : spec.stopSignal
        stopTimeout = spec.stopTimeout
        onBuild = spec.onBuild
        shell = spec.shell.isEmpty ? nil : spec.shell
        guard let check = spec.healthcheck else { return }
        var healthcheck = Healthcheck(test: check.test)
        (healthcheck.interval, healthcheck.timeout) = (check.interval, check.timeout)
        (healthcheck.startPeriod, healthcheck.startInterval) = (check.startPeriod, check.startInterval)
        healthcheck.retries = check.retries
        self.healthcheck = healthcheck
    }
}
