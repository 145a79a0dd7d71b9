import Glibc
import LinuxKernel

/// Turns what a request says about mounts into mount points whose sources exist. Blocks. Volumes that it makes are
/// listed, so that a failed create can take them back.
struct MountResolver {
    let volumes: VolumeStore
    /// Of the image, topmost first: what an empty volume is filled from.
    let layers: [String]
    private(set) var mounts: [MountPoint] = []
    private(set) var createdVolumes: [String] = []
    /// Kept from removal until the caller lets them go; a volume once for each of its mounts.
    private(set) var heldVolumes: [String] = []

    init(volumes: VolumeStore, layers: [String]) {
        self.volumes = volumes
        self.layers = layers
    }

    mutating func resolve(_ spec: ContainerSpec) throws {
        for bind in spec.mounts.binds { try add(bind) }
        for request in spec.mounts.requests { try add(request) }
        for (target, options) in spec.mounts.tmpfs.sorted(by: { $0.key < $1.key }) {
            var mount = MountPoint(kind: .tmpfs, destination: cleanPath(target))
            mount.mode = options
            mount.isWritable = !options.split(separator: ",").contains("ro")
            mounts.append(mount)
        }
        let taken = Set(mounts.map(\.destination))
        for target in spec.anonymousVolumes.sorted() where !taken.contains(cleanPath(target)) {
            try addVolume(name: nil, target: target, labels: [:], copies: true)
        }
    }

    /// `-v`: a missing source folder is made, a name is a volume.
    private mutating func add(_ bind: BindText) throws {
        if bind.isVolume {
            try addVolume(
                name: bind.source.isEmpty ? nil : bind.source, target: bind.target, labels: [:],
                copies: !bind.noCopy,
                writable: !bind.isReadOnly,
                mode: bind.options.sorted().joined(separator: ","), propagation: bind.propagation)
            return
        }
        var mount = MountPoint(kind: .bind, destination: cleanPath(bind.target))
        mount.source = cleanPath(bind.source)
        mount.mode = bind.options.filter { MountPropagation(rawValue: $0) == nil }.sorted().joined(
            separator: ",")
        mount.isWritable = !bind.isReadOnly
        mount.propagation = bind.propagation.isEmpty ? "rprivate" : bind.propagation
        if !fileExists(mount.source) {
            do throws(SystemCallError) {
                try makeDirectories(mount.source)
            } catch {
                throw EngineError.invalid(
                    "error while creating mount source path '\(mount.source)': \(error)")
            }
        }
        mounts.append(mount)
    }

    private mutating func add(_ request: MountRequest) throws {
        switch request.kind {
        case .bind(let bind): try add(bind, request)
        case .volume(let volume):
            let name = volume.name.isEmpty ? nil : volume.name
            try addVolume(
                name: name, target: request.target, labels: volume.labels, copies: !volume.noCopy,
                writable: !request.isReadOnly, mode: "z")
        case .tmpfs(let tmpfs):
            var mount = MountPoint(kind: .tmpfs, destination: cleanPath(request.target))
            var options: [String] = []
            if tmpfs.mode != 0 { options.append("mode=\(String(tmpfs.mode, radix: 8))") }
            if tmpfs.sizeBytes != 0 { options.append("size=\(tmpfs.sizeBytes)") }
            mount.mode = options.joined(separator: ",")
            mount.isWritable = !request.isReadOnly
            mounts.append(mount)
        }
    }

    /// `--mount type=bind`: a missing source is an error.
    private mutating func add(_ bind: BindMount, _ request: MountRequest) throws {
        let prefix = "invalid mount config for type \"bind\": "
        guard bind.source.hasPrefix("/") else {
            throw EngineError.invalid(
                "\(prefix)invalid mount path: '\(bind.source)' mount path must be absolute")
        }
        if bind.readOnlyForceRecursive {
            throw EngineError.notBuilt("Mounts BindOptions.ReadOnlyForceRecursive")
        }
        var mount = MountPoint(kind: .bind, destination: cleanPath(request.target))
        mount.source = cleanPath(bind.source)
        mount.isWritable = !request.isReadOnly
        mount.propagation = bind.propagation?.rawValue ?? "rprivate"
        mount.isNonRecursive = bind.nonRecursive
        if !fileExists(mount.source) {
            guard bind.createMountpoint else {
                throw EngineError(
                    .mountSourceMissing, "\(prefix)bind source path does not exist: \(bind.source)")
            }
            try makeDirectories(mount.source)
        }
        mounts.append(mount)
    }

    private mutating func addVolume(
        name: String?, target: String, labels: [String: String], copies: Bool, writable: Bool = true,
        mode: String = "", propagation: String = ""
    ) throws {
        let volume = try volumes.ensure(VolumeRequest(name: name, labels: labels))
        heldVolumes.append(volume.name)
        if volume.created { createdVolumes.append(volume.name) }
        var mount = MountPoint(kind: .volume, destination: cleanPath(target))
        mount.name = volume.name
        mount.source = volume.path
        mount.driver = "local"
        mount.mode = mode
        mount.isWritable = writable
        mount.propagation = propagation
        mount.isAnonymous = name == nil
        if copies { try volumes.populate(volume.name, from: layers, path: mount.destination) }
        mounts.append(mount)
    }
}
