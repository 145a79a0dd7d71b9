import DockerAPI
import ImageStore
import JSONCodec
import OCIModel

extension ImageSummary {
    init(_ image: Image, version: APIVersion) {
        self.init()
        created = image.configuration.created?.seconds ?? 0
        id = image.id.description
        labels = image.configuration.config.labels.isEmpty ? nil : image.configuration.config.labels
        parentId = image.parent?.description ?? ""
        repoTags = image.repositoryTags
        repoDigests = image.repositoryDigests
        if version.namesUntagged {
            if image.references.isEmpty {
                (repoTags, repoDigests) = (["<none>:<none>"], ["<none>@<none>"])
            } else if image.repositoryDigests.isEmpty {
                repoDigests = nil
            }
        }
        size = image.size
        if version.hasVirtualSize { virtualSize = image.size }
    }
}

extension ImageInspect {
    init(_ image: Image, storageDriver: String, version: APIVersion) {
        self.init()
        let configuration = image.configuration
        id = image.id.description
        repoTags = image.repositoryTags
        repoDigests = image.repositoryDigests
        parent = image.parent?.description ?? ""
        comment = configuration.comment ?? configuration.history.last?.comment ?? ""
        created =
            configuration.created?.description ?? (version.hasVirtualSize ? Timestamp.zero.description : nil)
        if version.hasImageContainer {
            container = configuration.container ?? ""
            containerConfig = Self.containerConfig(configuration)
        }
        dockerVersion = configuration.dockerVersion ?? ""
        author = configuration.author ?? ""
        config = ImageConfig(configuration.config, version: version)
        architecture = configuration.architecture
        variant = configuration.variant ?? ""
        os = configuration.os
        osVersion = configuration.osVersion ?? ""
        size = image.size
        if version.hasVirtualSize { virtualSize = image.size }
        graphDriver = GraphDriver(storageDriver, layers: image.layerPaths)
        rootFS.type = configuration.rootFilesystem.type
        rootFS.layers = configuration.rootFilesystem.diffIDs.map(\.description)
        metadata.lastTagTime = (image.lastTagged ?? .zero).description
    }

    /// The container that a classic build made the image of; an image's own text, which need not fit.
    private static func containerConfig(_ configuration: ImageConfiguration) -> ContainerConfig {
        guard let value = configuration.containerConfig else { return ContainerConfig() }
        return (try? value.decode(ContainerConfig.self)) ?? ContainerConfig()
    }
}

extension GraphDriver {
    /// - Parameter layers: folders of the unpacked layers, topmost first
    init(_ driver: String, layers: [String]) {
        self.init()
        name = driver
        // Docker's vfs shows nothing of where it keeps things.
        guard driver == "overlay2" else { return }
        guard let top = layers.first else {
            data = [:]
            return
        }
        let folder = top.lastIndex(of: "/").map { String(top[..<$0]) } ?? top
        data = ["MergedDir": "\(folder)/merged", "UpperDir": top, "WorkDir": "\(folder)/work"]
        if layers.count > 1 { data?["LowerDir"] = layers.dropFirst().joined(separator: ":") }
    }
}

extension ImageConfig {
    init(_ defaults: ImageDefaults, version: APIVersion) {
        self.init()
        if version.hasLegacyImageConfig {
            (hostname, domainname, image) = ("", "", "")
            (attachStdin, attachStdout, attachStderr) = (false, false, false)
            (tty, openStdin, stdinOnce) = (false, false, false)
        }
        user = defaults.user
        if !defaults.exposedPorts.isEmpty { exposedPorts = EmptyObject.set(defaults.exposedPorts) }
        env = defaults.environment.isEmpty ? nil : defaults.environment
        cmd = defaults.command.map { CommandLine($0) }
        healthcheck = defaults.healthcheck.map(HealthConfig.init)
        argsEscaped = defaults.argsEscaped
        volumes = defaults.volumes.isEmpty ? nil : EmptyObject.set(defaults.volumes)
        workingDir = defaults.workingDirectory
        entrypoint = defaults.entrypoint.map { CommandLine($0) }
        onBuild = defaults.onBuild.isEmpty ? nil : defaults.onBuild
        labels = defaults.labels.isEmpty ? nil : defaults.labels
        stopSignal = defaults.stopSignal ?? ""
        shell = defaults.shell
    }
}

extension HealthConfig {
    init(_ healthcheck: ImageDefaults.Healthcheck) {
        self.init()
        test = healthcheck.test ?? []
        interval = healthcheck.interval ?? 0
        timeout = healthcheck.timeout ?? 0
        startPeriod = healthcheck.startPeriod ?? 0
        startInterval = healthcheck.startInterval ?? 0
        retries = healthcheck.retries ?? 0
    }
}
