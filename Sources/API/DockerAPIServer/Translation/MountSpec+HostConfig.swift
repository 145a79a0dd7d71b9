import DockerAPI
import Engine

extension MountSpec {
    init(_ host: HostConfig, _ version: APIVersion) throws {
        self.init()
        readOnlyBindsOnTopOnly = version < APIVersion(1, 44)
        for text in host.binds ?? [] { binds.append(try BindText(parsing: text)) }
        for mount in host.mounts { requests.append(try MountRequest(mount)) }
        tmpfs = host.tmpfs
        guard host.shmSize >= 0 else { throw APIError.badRequest("SHM size can not be less than 0") }
        shmSize = host.shmSize
        readOnlyRoot = host.readonlyRootfs
        volumeDriver = host.volumeDriver
        volumesFrom = host.volumesFrom ?? []
    }
}

extension MountRequest {
    /// What the engine cannot see is checked here: options of another kind. Everything else is its business.
    init(_ wire: Mount) throws {
        guard !wire.target.isEmpty else { throw Self.refusal(wire, "field Target must not be empty") }
        self.init(
            kind: try Self.kind(wire), target: wire.target, isReadOnly: wire.readOnly,
            consistency: wire.consistency)
        mapsOwner = wire.mapsOwner ? true : nil
        statesOptions =
            switch kind {
            case .bind: wire.bindOptions != nil
            case .volume: wire.volumeOptions != nil
            case .tmpfs: wire.tmpfsOptions != nil
            case .image: wire.imageOptions != nil
            }
    }

    private static func refusal(_ wire: Mount, _ reason: String) -> APIError {
        .badRequest("invalid mount config for type \"\(wire.type)\": \(reason)")
    }

    private static func kind(_ wire: Mount) throws -> Kind {
        let options = [
            ("bind", wire.bindOptions != nil, "BindOptions"),
            ("volume", wire.volumeOptions != nil, "VolumeOptions"),
            ("tmpfs", wire.tmpfsOptions != nil, "TmpfsOptions"),
            ("image", wire.imageOptions != nil, "ImageOptions"),
        ]
        guard options.contains(where: { $0.0 == wire.type }) else {
            throw refusal(wire, "mount type unknown")
        }
        if wire.type == "bind", wire.source.isEmpty {
            throw refusal(wire, "field Source must not be empty")
        }
        for (kind, isSet, field) in options where isSet && kind != wire.type {
            throw refusal(wire, "field \(field) must not be specified")
        }
        switch wire.type {
        case "bind": return .bind(try BindMount(wire))
        case "volume": return .volume(VolumeMount(wire))
        case "tmpfs":
            if !wire.source.isEmpty { throw refusal(wire, "field Source must not be specified") }
            return .tmpfs(TmpfsMount(wire.tmpfsOptions ?? TmpfsOptions()))
        default:
            var mount = ImageMount(image: wire.source)
            mount.subpath = wire.imageOptions?.subpath ?? ""
            return .image(mount)
        }
    }
}

extension BindMount {
    init(_ wire: Mount) throws {
        self.init(source: wire.source)
        let options = wire.bindOptions ?? BindOptions()
        if !options.propagation.isEmpty {
            guard let propagation = MountPropagation(rawValue: options.propagation) else {
                throw APIError.badRequest(
                    "invalid mount config for type \"bind\": invalid propagation mode: \(options.propagation)"
                )
            }
            self.propagation = propagation
        }
        nonRecursive = options.nonRecursive
        createMountpoint = options.createMountpoint
        readOnlyNonRecursive = options.readOnlyNonRecursive
        readOnlyForceRecursive = options.readOnlyForceRecursive
    }
}

extension VolumeMount {
    init(_ wire: Mount) {
        self.init(name: wire.source)
        let options = wire.volumeOptions ?? VolumeOptions()
        noCopy = options.noCopy
        labels = options.labels
        driver = options.driverConfig?.name ?? ""
        driverOptions = options.driverConfig?.options ?? [:]
        subpath = options.subpath
        statesDriver = options.driverConfig != nil
    }
}

extension TmpfsMount {
    init(_ wire: TmpfsOptions) {
        self.init()
        (sizeBytes, mode) = (wire.sizeBytes, wire.mode)
        options = wire.options.isEmpty ? nil : wire.options
    }
}

// MARK: As inspections show it

extension Mount {
    init(_ request: MountRequest) {
        self.init()
        type = request.typeName
        target = request.target
        readOnly = request.isReadOnly
        consistency = request.consistency
        mapsOwner = request.mapsOwner == true
        let states = request.statesOptions == true
        switch request.kind {
        case .bind(let bind):
            source = bind.source
            let options = BindOptions(bind)
            if states || options != BindOptions() { bindOptions = options }
        case .volume(let volume):
            source = volume.name
            let options = VolumeOptions(volume)
            if states || options != VolumeOptions() { volumeOptions = options }
        case .tmpfs(let tmpfs):
            var options = TmpfsOptions()
            (options.sizeBytes, options.mode) = (tmpfs.sizeBytes, tmpfs.mode)
            options.options = tmpfs.options ?? []
            if states || options != TmpfsOptions() { tmpfsOptions = options }
        case .image(let image):
            source = image.image
            var options = ImageOptions()
            options.subpath = image.subpath
            if states || options != ImageOptions() { imageOptions = options }
        }
    }
}

extension BindOptions {
    fileprivate init(_ bind: BindMount) {
        self.init()
        propagation = bind.propagation?.rawValue ?? ""
        nonRecursive = bind.nonRecursive
        createMountpoint = bind.createMountpoint
        readOnlyNonRecursive = bind.readOnlyNonRecursive
        readOnlyForceRecursive = bind.readOnlyForceRecursive
    }
}

extension VolumeOptions {
    fileprivate init(_ volume: VolumeMount) {
        self.init()
        noCopy = volume.noCopy
        labels = volume.labels
        subpath = volume.subpath
        if volume.statesDriver == true || !volume.driver.isEmpty || !volume.driverOptions.isEmpty {
            var driver = VolumeDriverConfig()
            (driver.name, driver.options) = (volume.driver, volume.driverOptions)
            driverConfig = driver
        }
    }
}
