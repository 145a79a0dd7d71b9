import Glibc
import ImageStore
import LinuxKernel
import OCIModel

/// Turns what a request says about mounts into mount points: volumes exist then, folders of `-v` are made at the start.
/// Blocks. Volumes that it makes are listed, so that a failed create can take them back.
struct MountResolver {
    /// A container whose mounts are taken over.
    struct Donor {
        let mounts: [MountPoint]
        let isReadOnly: Bool
    }

    let volumes: VolumeStore
    /// Of the image, topmost first: what an empty volume is filled from.
    let layers: [String]
    let donors: [Donor]
    /// Images to be mounted, by the names that requests have for them.
    let images: [String: Image]
    /// The engine's own files.
    let dataRoot: String
    private(set) var mounts: [MountPoint] = []
    private(set) var createdVolumes: [String] = []
    /// Kept from removal until the caller lets them go; a volume once for each of its mounts.
    private(set) var heldVolumes: [String] = []

    init(
        volumes: VolumeStore, layers: [String], donors: [Donor] = [], images: [String: Image] = [:],
        dataRoot: String
    ) {
        self.volumes = volumes
        self.layers = layers
        self.donors = donors
        self.images = images
        self.dataRoot = dataRoot
    }

    mutating func resolve(_ spec: ContainerSpec) throws {
        let temporary = Set(spec.mounts.tmpfs.keys.map(cleanPath))
        for donor in donors {
            for mount in donor.mounts where !temporary.contains(mount.destination) {
                try inherit(mount.inherited(readOnly: donor.isReadOnly))
            }
        }
        for bind in spec.mounts.binds { try add(bind, spec.mounts) }
        for request in spec.mounts.requests { try add(request) }
        var taken = temporary.union(mounts.map(\.destination))
        // Several texts may name one place; a volume for each would belong to no container.
        for target in spec.anonymousVolumes.map(cleanPath).sorted() where taken.insert(target).inserted {
            var request = VolumeRequest(name: nil)
            request.driver = spec.mounts.volumeDriver
            try addVolume(request, MountPoint(kind: .volume, destination: target), copies: true)
        }
    }

    /// What comes later takes the place of what is there.
    private mutating func place(_ mount: MountPoint) {
        mounts.removeAll { $0.destination == mount.destination }
        mounts.append(mount)
    }

    /// The other container may be removed meanwhile, and its volumes with it.
    private mutating func inherit(_ mount: MountPoint) throws {
        if mount.kind == .volume {
            volumes.hold(mount.name)
            heldVolumes.append(mount.name)
            guard volumes.exists(mount.name) else {
                throw EngineError(
                    .noSuchVolume, "get \(mount.name): no such volume", category: .invalidArgument)
            }
        }
        place(mount)
    }

    /// `-v`: a missing source folder is made at the start, a name is a volume.
    private mutating func add(_ bind: BindText, _ spec: MountSpec) throws {
        var mount = MountPoint(kind: bind.isVolume ? .volume : .bind, destination: cleanPath(bind.target))
        mount.mode = bind.mode
        mount.isWritable = !bind.isReadOnly
        mount.details.mapsOwner = bind.mapsOwner
        if bind.isVolume {
            if mount.mode.isEmpty { mount.mode = "z" }
            var request = VolumeRequest(name: bind.source.isEmpty ? nil : bind.source)
            request.driver = spec.volumeDriver
            return try addVolume(request, mount, copies: !bind.noCopy)
        }
        mount.source = cleanPath(bind.source)
        mount.details.makesSource = true
        mount.details.isReadOnlyOnTopOnly = spec.readOnlyBindsOnTopOnly
        try settlePropagation(&mount, bind.propagation)
        place(mount)
    }

    private mutating func add(_ request: MountRequest) throws {
        var mount = MountPoint(kind: .bind, destination: cleanPath(request.target))
        mount.isWritable = !request.isReadOnly
        mount.details.mapsOwner = request.mapsOwner == true
        switch request.kind {
        case .bind(let bind): try add(bind, request, mount)
        case .volume(let volume):
            mount.kind = .volume
            mount.mode = "z"
            mount.details.subpath = volume.subpath
            var wanted = VolumeRequest(
                name: volume.name.isEmpty ? nil : volume.name, labels: volume.labels)
            (wanted.driver, wanted.options) = (volume.driver, volume.driverOptions)
            try addVolume(wanted, mount, copies: !volume.noCopy && volume.subpath.isEmpty)
        case .tmpfs(let tmpfs):
            mount.kind = .tmpfs
            mount.details.tmpfsOptions = tmpfs.text(readOnly: request.isReadOnly)
            place(mount)
        case .image(let image): try add(image, mount)
        }
    }

    /// `--mount type=bind`: a missing source is an error, unless it is to be made.
    private mutating func add(_ bind: BindMount, _ request: MountRequest, _ base: MountPoint) throws {
        var mount = base
        mount.source = cleanPath(bind.source)
        mount.isNonRecursive = bind.nonRecursive
        mount.details.isReadOnlyOnTopOnly = bind.readOnlyNonRecursive
        mount.details.makesSource = bind.createMountpoint
        guard bind.createMountpoint || fileExists(mount.source) else {
            throw EngineError(
                .mountSourceMissing,
                request.refusal("bind source path does not exist: \(bind.source)").message)
        }
        try settlePropagation(&mount, bind.propagation?.rawValue ?? "")
        place(mount)
    }

    /// A mount that shows the engine's own files must not keep the mounts among them alive.
    private func settlePropagation(_ mount: inout MountPoint, _ wanted: String) throws(EngineError) {
        guard isPath(mount.source, below: dataRoot) || isPath(dataRoot, below: mount.source) else {
            mount.propagation = wanted.isEmpty ? MountPropagation.rprivate.rawValue : wanted
            return
        }
        guard wanted.isEmpty || ["rslave", "rshared"].contains(wanted) else {
            throw .invalid(
                "invalid mount config: must use either propagation mode \"rslave\" or \"rshared\" when mount "
                    + "source is within the daemon root, daemon root: \"\(dataRoot)\", bind mount source: "
                    + "\"\(mount.source)\", propagation: \"\(wanted)\"")
        }
        mount.propagation = wanted.isEmpty ? "rslave" : wanted
        mount.details.isSlaveByItself = wanted.isEmpty
    }

    /// An image's content, read-only; the container's own layer keeps it from removal.
    private mutating func add(_ request: ImageMount, _ base: MountPoint) throws {
        guard let image = images[request.image] else {
            throw EngineError(.noSuchImage, "No such image: \(request.image)", category: .invalidArgument)
        }
        var mount = base
        mount.kind = .image
        mount.name = request.image
        mount.isWritable = false
        mount.source = image.layerPaths.first ?? ""
        mount.details.subpath = request.subpath
        mount.details.imageID = image.id.description
        mount.details.layers = image.overlayLayers
        place(mount)
    }

    private mutating func addVolume(_ request: VolumeRequest, _ base: MountPoint, copies: Bool) throws {
        let volume = try volumes.ensure(request)
        heldVolumes.append(volume.name)
        if volume.created { createdVolumes.append(volume.name) }
        var mount = base
        mount.name = volume.name
        mount.source = volume.path
        mount.driver = "local"
        mount.isAnonymous = request.name == nil
        if copies { try volumes.populate(volume.name, from: layers, path: mount.destination) }
        place(mount)
    }
}

/// Whether one clean path leads to the other or to something below it.
func isPath(_ path: String, below folder: String) -> Bool {
    folder == "/" || path == folder || path.hasPrefix(folder + "/")
}
