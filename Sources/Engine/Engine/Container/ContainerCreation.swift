import Logging
import Glibc
import ImageStore
import LinuxKernel
import Networking
import OCIModel

/// Makes one container: everything that can be refused first, then its files, then its record. Nothing is left behind
/// where a step fails; what a crash leaves between the steps has no record and is cleared at the next start.
struct ContainerCreation: Sendable {
    let parts: EngineParts
    let spec: ContainerSpec
    let requestedName: String?

    func run() async throws -> ContainerCreated {
        let id = randomID()
        var spec = spec
        var warnings = try prepare(&spec, id)
        let image = try parts.images.image(spec.image)
        try spec.complete(from: image.configuration.config)
        try checkPlatform(spec, image)
        warnings += Self.foreignPlatform(spec, image)
        let name = try takeName(for: id)
        do {
            let (prepared, told) = (spec, warnings)
            let made = try await parts.pool.run { try makeFiles(id, prepared, image, told) }
            defer { parts.volumes.letGo(made.heldVolumes) }
            try await record(made.definition, name)
            return ContainerCreated(id: id, warnings: warnings)
        } catch {
            parts.registry.release(name: name, of: id)
            throw error
        }
    }

    /// The checks that need no image.
    private func prepare(_ spec: inout ContainerSpec, _ id: String) throws -> [String] {
        let warnings = try spec.validate(parts.features, parts.configuration)
        if !spec.storageOptions.isEmpty { try parts.images.requireSizes() }
        _ = try StorageOptions(parsing: spec.storageOptions)
        _ = try LogFile.configuration(spec, path: "/")
        try resolveReferences(&spec)
        let network = parts.network
        try spec.network.settleConnections { (try? network.network($0))?.name ?? $0 }
        if spec.network.hostname.isEmpty { spec.network.hostname = try hostname(spec, id) }
        return warnings
    }

    /// Other containers are remembered by id: names can change.
    private func resolveReferences(_ spec: inout ContainerSpec) throws(EngineError) {
        if case .container(let other) = spec.network.mode { spec.network.mode = .container(try donor(other)) }
        if case .container(let other) = spec.namespaces.pid {
            spec.namespaces.pid = .container(try donor(other))
        }
        if case .container(let other) = spec.namespaces.ipc {
            spec.namespaces.ipc = .container(try donor(other))
        }
        try resolveLinks(&spec)
    }

    private func resolveLinks(_ spec: inout ContainerSpec) throws(EngineError) {
        var links: [String] = []
        for text in spec.network.links {
            let names = try Link.split(text)
            do throws(EngineError) {
                let target = try Link.target(names.name, in: parts.registry)
                links.append("\(target.id):\(names.alias)")
            } catch  where error.code == .noSuchContainer {
                throw .invalid("could not get container for \(names.name): \(error.message)")
            }
        }
        spec.network.links = links
    }

    /// "Not found" would make clients pull the image.
    private func donor(_ reference: String) throws(EngineError) -> String {
        do throws(EngineError) {
            return try parts.registry.find(reference).id
        } catch {
            throw EngineError(error.code, error.message, category: .invalidArgument)
        }
    }

    private func hostname(_ spec: ContainerSpec, _ id: String) throws(EngineError) -> String {
        if case .container(let other) = spec.network.mode {
            return try parts.registry.find(other).spec.network.hostname
        }
        if spec.network.mode == .host || spec.namespaces.uts == .host { return HostInformation.hostname }
        return String(id.prefix(12))
    }

    /// Programs of another architecture run where the kernel has an emulator for them: a warning, no refusal.
    private static func foreignPlatform(_ spec: ContainerSpec, _ image: Image) -> [String] {
        let configuration = image.configuration
        let own = Platform(
            os: configuration.os, architecture: configuration.architecture, variant: configuration.variant)
        guard spec.platform.isEmpty, Platform.host.distance(to: own) == nil else { return [] }
        return [
            "The requested image's platform (\(own)) does not match the detected host platform "
                + "(\(Platform.host)) and no specific platform was requested"
        ]
    }

    private func checkPlatform(_ spec: ContainerSpec, _ image: Image) throws(EngineError) {
        guard !spec.platform.isEmpty else { return }
        guard let wanted = Platform(spec.platform) else {
            throw .invalid("\"\(spec.platform)\" is an invalid platform")
        }
        guard wanted.distance(to: image.configuration.platform) != nil else {
            throw EngineError(
                .noSuchImage,
                "image with reference \(spec.image) was found but does not match the specified platform: wanted "
                    + "\(wanted), actual: \(image.configuration.platform)")
        }
    }

    private func takeName(for id: String) throws -> String {
        if let requestedName, !requestedName.isEmpty {
            let name = try ContainerName.checked(requestedName)
            try parts.registry.take(name: name, for: id)
            return name
        }
        var generator = SystemRandomNumberGenerator()
        for attempt in 0..<20 {
            let name = NameGenerator.name(attempt: attempt, using: &generator)
            if (try? parts.registry.take(name: name, for: id)) != nil { return name }
        }
        let name = String(id.prefix(12))
        try parts.registry.take(name: name, for: id)
        return name
    }

    /// Layer, volumes and folder. Blocks.
    private func makeFiles(
        _ id: String, _ spec: ContainerSpec, _ image: Image, _ warnings: [String]
    ) throws -> (definition: ContainerDefinition, heldVolumes: [String]) {
        let mounted = try MountedImages(spec, donors: try mountDonors(spec), images: parts.images)
        let options = try StorageOptions(parsing: spec.storageOptions)
        let layer = try parts.images.createContainerLayer(
            id: id, image: image.id, mounting: mounted.layers,
            size: options.size(default: parts.configuration.containerSize))
        let paths = parts.images.paths(of: layer)
        var resolver = MountResolver(
            volumes: parts.volumes, layers: paths.lower.isEmpty ? [paths.upper] : image.layerPaths,
            donors: mounted.donors, images: mounted.images, dataRoot: parts.configuration.dataRoot)
        let folder = parts.folder(of: id)
        do {
            try resolver.resolve(spec)
            try makeDirectories(folder, mode: 0o710)
            // Mounted by the shim while the start still writes their content.
            for name in ["hosts", "hostname", "resolv.conf"] {
                _ = try openFile("\(folder)/\(name)", O_WRONLY | O_CREAT, mode: 0o644)
            }
        } catch {
            undo(layer, resolver, folder)
            throw error
        }
        for volume in resolver.createdVolumes {
            parts.events.publish(.volume, "create", volume, ["driver": "local"])
        }
        let definition = ContainerDefinition(
            id: id, created: .now, spec: spec, image: image, layer: layer, mounts: resolver.mounts,
            warnings: warnings)
        return (definition, resolver.heldVolumes)
    }

    /// `--volumes-from`
    private func mountDonors(_ spec: ContainerSpec) throws(EngineError) -> [MountResolver.Donor] {
        var donors: [MountResolver.Donor] = []
        for text in spec.mounts.volumesFrom {
            let wanted = try VolumesFromText(parsing: text)
            let mounts = try parts.registry.find(try donor(wanted.container)).mounts
            donors.append(MountResolver.Donor(mounts: mounts, isReadOnly: wanted.isReadOnly))
        }
        return donors
    }

    private func undo(_ layer: ContainerLayer, _ resolver: MountResolver, _ folder: String) {
        attempt("remove the layer") { try parts.images.removeContainerLayer(layer) }
        parts.volumes.letGo(resolver.heldVolumes)
        for volume in resolver.createdVolumes {
            attempt("remove a volume") {
                _ = try parts.volumes.removeUnused(volume) { parts.registry.usesVolume(volume, but: "") }
            }
        }
        attempt("remove the folder") { try removeTree(folder) }
    }

    private func attempt(_ step: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            parts.logger.warning(
                "cannot undo a container's creation", metadata: ["op": "\(step)", "error": "\(error)"])
        }
    }

    private func record(_ definition: ContainerDefinition, _ name: String) async throws {
        let progress = ContainerProgress()
        do {
            try await parts.database.commit(
                definition.spec.autoRemove ? .processCrash : .powerCut,
                try ContainerTable.insert(definition, name: name, progress))
        } catch {
            let (parts, layer) = (parts, definition.layer)
            try await parts.pool.run {
                attempt("remove the layer") { try parts.images.removeContainerLayer(layer) }
                attempt("remove the folder") { try removeTree(parts.folder(of: definition.id)) }
            }
            throw error
        }
        let container = Container(definition, name: name, progress: progress, parts: parts)
        parts.registry.add(container)
        container.takeLinkNames()
        container.publish("create")
        parts.noteUse(ofImage: definition.imageID)
    }
}
