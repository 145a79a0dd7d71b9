import Glibc
import ImageStore
import LinuxKernel
import OCIRuntime

/// A container's files as the engine may touch them: a copy of its mounts that is mounted nowhere, in which no device can
/// be opened and no program gains rights. Paths are resolved with its root as `/`, so that no link leads out of it; it goes
/// with its last descriptor.
struct FileView: Sendable {
    let root: SharedDescriptor

    private static let attributes: MountAttributes = [.noDevices, .noSetUID, .noExecute]
    /// Reading leaves no trace.
    private static let readingAttributes: MountAttributes = [.readOnly, .noAccessTime]

    private init(root: SharedDescriptor) { self.root = root }

    private static func restrict(_ tree: Int32, isReading: Bool, recursively: Bool = true)
        throws(SystemCallError)
    {
        // An access time mode replaces the one that is set.
        try changeMount(
            tree, set: isReading ? attributes.union(readingAttributes) : attributes,
            clear: isReading ? .accessTimeMask : [], recursively: recursively)
    }

    // MARK: - Running containers

    /// What a process sees: its root with its volumes and everything else that is mounted there. Blocks.
    init(ofProcess pid: Int32, isReading: Bool) throws {
        let namespace = SharedDescriptor(try openFile("/proc/\(pid)/ns/mnt", O_RDONLY))
        root = try Self.onOwnThread {
            try unshareNamespaces(.fileSystem)
            try joinNamespaces(namespace.rawValue, .mount, named: "mount namespace of process \(pid)")
            let tree = try openTree("/", recursively: true)
            try Self.restrict(tree.rawValue, isReading: isReading)
            return SharedDescriptor(tree)
        }
    }

    /// The root filesystem of a running container as its shim gave it: without anything that is mounted in it.
    init(bare tree: SharedDescriptor) throws {
        try Self.restrict(tree.rawValue, isReading: true, recursively: false)
        root = tree
    }

    // MARK: - Stopped containers

    /// The root filesystem with nothing mounted in it, for reading: the container's own layer is one of the read-only
    /// ones, so that a start meanwhile disturbs nothing. Blocks.
    init(reading paths: ContainerLayerPaths) throws {
        root = try Self.overlay(paths, isReading: true)
        try Self.restrict(root.rawValue, isReading: true, recursively: false)
    }

    /// The root filesystem of a stopped container with its volumes and binds. Blocks.
    /// - Parameters:
    ///   - place: a directory of the host that the mounts are put together on, seen by nobody
    ///   - isReading: else the caller keeps the container from being started until the view is gone: the kernel would let
    ///     its layer be mounted twice
    init(of paths: ContainerLayerPaths, mounts: [MountPoint], place: String, isReading: Bool) throws {
        root = try Self.onOwnThread {
            try unshareNamespaces([.mount, .fileSystem])
            try changeMount(at: "/", propagation: .private, recursively: true)
            let bare = try Self.overlay(paths, isReading: isReading)
            try moveMount(bare.rawValue, to: place)
            for mount in mounts.sorted(by: { $0.destination < $1.destination })
            where mount.kind == .bind || mount.kind == .volume {
                try Self.attach(mount, to: bare.rawValue, isReading: isReading)
            }
            let tree = try openTree(place, recursively: true)
            try Self.restrict(tree.rawValue, isReading: isReading)
            return SharedDescriptor(tree)
        }
    }

    private static func overlay(
        _ paths: ContainerLayerPaths, isReading: Bool
    ) throws -> SharedDescriptor {
        // A copy of the image is no overlay.
        if paths.driver == .vfs { return SharedDescriptor(try openTree(paths.upper, recursively: false)) }
        // The kernel takes 500 layers; the lowest are the empty mount points, but where an image has all 500.
        let fits = paths.lower.count < 500 || paths.lower.last?.hasSuffix("/mountpoints/diff") == true
        guard fits || !isReading else {
            throw EngineError(
                .notBuilt, "files of a container of 500 layers can be read while it runs: start it first")
        }
        let lower = isReading ? Array(([paths.upper] + paths.lower).prefix(500)) : paths.lower
        let overlay = OverlayFilesystem(
            lower: lower, upper: isReading ? nil : paths.upper, work: isReading ? nil : paths.work)
        guard let mount = try overlay.detachedMount() else {
            throw EngineError(
                .notBuilt, "files of a container that does not run need Linux 6.5 or newer: start it first")
        }
        return mount
    }

    private static func attach(_ mount: MountPoint, to root: Int32, isReading: Bool) throws {
        // A source that went is found out by the next start; its place shows what the image has there.
        guard fileExists(mount.source) else { return }
        let tree = SharedDescriptor(try openTree(mount.source, recursively: !mount.isNonRecursive))
        var status = stat()
        try systemCall("fstat", mount.source) { fstat(tree.rawValue, &status) }
        if !mount.isWritable { try changeMount(tree.rawValue, set: .readOnly, recursively: true) }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        let place = try place(mount.destination, below: root, isDirectory: isDirectory, isReading: isReading)
        guard let place else { return }
        try moveMount(tree.rawValue, onto: place.rawValue, named: mount.destination)
    }

    /// - Returns: nil where there is none and none may be made
    private static func place(
        _ path: String, below root: Int32, isDirectory: Bool, isReading: Bool
    ) throws(SystemCallError) -> SharedDescriptor? {
        let found = Result { () throws(SystemCallError) in SharedDescriptor(try openBelow(root, path, O_PATH))
        }
        switch found {
        case .success(let place): return place
        case .failure(let error):
            guard error.errno == ENOENT || error.errno == ENOTDIR else { throw error }
            if isReading || error.errno == ENOTDIR { return nil }
            // As a start makes it.
            return SharedDescriptor(try makePlace(path, below: root, isDirectory: isDirectory))
        }
    }

    private static func makePlace(
        _ path: String, below root: Int32, isDirectory: Bool
    ) throws(SystemCallError) -> Descriptor {
        let parts = path.split(separator: "/")
        var made = ""
        for (index, part) in parts.enumerated() {
            let parent = try openBelow(root, made.isEmpty ? "/" : made, O_PATH | O_DIRECTORY)
            made += "/" + part
            let (raw, name) = (parent.rawValue, String(part))
            if index < parts.count - 1 || isDirectory {
                guard mkdirat(raw, name, 0o755) == 0 || errno == EEXIST else {
                    throw SystemCallError(call: "mkdirat", subject: made)
                }
            } else {
                guard mknodat(raw, name, S_IFREG | 0o644, 0) == 0 || errno == EEXIST else {
                    throw SystemCallError(call: "mknodat", subject: made)
                }
            }
        }
        return try openBelow(root, path, O_PATH)
    }

    /// A thread that has joined a namespace is of no other use.
    private static func onOwnThread(
        _ body: @escaping @Sendable () throws -> SharedDescriptor
    ) throws -> SharedDescriptor {
        let result = ThreadResult()
        let thread = try WorkerThread { result.set(Result { try body() }) }
        thread.join()
        return try result.get()
    }
}

/// What a thread leaves for the one that waits for it.
private final class ThreadResult: @unchecked Sendable {
    private var result: Result<SharedDescriptor, any Error>?

    func set(_ value: Result<SharedDescriptor, any Error>) { result = value }

    func get() throws -> SharedDescriptor {
        guard let result else { throw EngineError(.engineBug, "a thread ended without a result") }
        return try result.get()
    }
}
