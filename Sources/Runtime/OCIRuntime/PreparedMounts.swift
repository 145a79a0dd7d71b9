import Cgroups
import Glibc
package import LinuxKernel
import OCIModel

/// One mount of a container, as far as it can be prepared outside.
struct PreparedMount: Sendable {
    enum Content: Sendable {
        /// A detached tree, to be moved into place.
        case tree(SharedDescriptor, isDirectory: Bool)
        /// A new filesystem, made by mount(2) in the container's namespaces.
        case filesystem
        /// Version 1 control groups: a directory with one tree for each hierarchy.
        case cgroups([(controllers: [String], tree: SharedDescriptor)])
    }

    let destination: String
    let type: String
    let source: String
    let options: MountOptions
    let content: Content
}

/// The root filesystem and the mounts of a container, opened in the caller's mount namespace as detached mounts, so
/// that nothing of it ever appears in the host's mount table.
struct PreparedMounts: Sendable {
    /// Nil where the kernel cannot make it detached: the child mounts it (`classicOverlay`).
    let root: SharedDescriptor?
    /// A second mount of an overlay, in which nothing will ever be mounted; nil where the kernel copies no detached
    /// mount (before 6.15), or the root is no overlay.
    let bareRoot: SharedDescriptor?
    let classicOverlay: OverlayFilesystem?
    let mounts: [PreparedMount]

    init(_ configuration: ContainerConfiguration) throws(RuntimeError) {
        switch configuration.rootFilesystem {
        case .directory(let path):
            let tree = try step("root filesystem \(path)") { () throws(SystemCallError) in
                let tree = try openTree(path, recursively: true)
                try changeMount(tree.rawValue, propagation: .slave, recursively: true)
                try changeMount(tree.rawValue, propagation: .private)
                return SharedDescriptor(tree)
            }
            root = tree
            bareRoot = nil
            classicOverlay = nil
        case .overlay(let overlay):
            root = try overlay.detachedMount()
            bareRoot =
                if configuration.keepsBareRoot, let root { try Self.copy(of: root) } else { nil }
            classicOverlay = root == nil ? overlay : nil
        }
        var prepared: [PreparedMount] = []
        for mount in configuration.spec.mounts {
            prepared.append(try Self.prepare(mount, configuration, root))
        }
        if let program = configuration.initProgram {
            let mount = RuntimeMount(
                destination: ContainerConfiguration.initPath, type: "bind", source: program,
                options: ["bind", "ro"])
            prepared.append(try Self.prepare(mount, configuration, root))
        }
        mounts = prepared
    }

    private static func copy(of root: SharedDescriptor) throws(RuntimeError) -> SharedDescriptor? {
        do throws(SystemCallError) {
            return SharedDescriptor(try openTree("", at: root.rawValue, recursively: false))
        } catch  where error.errno == EINVAL {
            return nil
        } catch {
            throw RuntimeError(
                .setupFailed, "copy of the root filesystem's mount: \(error)", errno: error.errno)
        }
    }

    private static func prepare(
        _ mount: RuntimeMount, _ configuration: ContainerConfiguration, _ root: SharedDescriptor?
    ) throws(RuntimeError) -> PreparedMount {
        let options = try MountOptions(mount.options)
        var source = mount.source ?? ""
        var content = PreparedMount.Content.filesystem
        if mount.isBind {
            if !source.hasPrefix("/") { source = "\(configuration.bundle)/\(source)" }
            let bind = BindSource(mount, path: source, options, configuration)
            content = try self.bind(try bind.open(root), source, options)
        } else {
            guard options.idMapping == nil, mount.uidMappings.isEmpty, mount.gidMappings.isEmpty else {
                throw RuntimeError(
                    .unsupported, "mount \(mount.destination): only bind mounts can be id-mapped")
            }
            if mount.type == "cgroup" || mount.type == "cgroup2",
                let trees = try cgroupTrees(configuration)
            {
                content = .cgroups(trees)
            }
        }
        return PreparedMount(
            destination: mount.destination, type: mount.type, source: source.isEmpty ? mount.type : source,
            options: options, content: content)
    }

    private static func bind(
        _ tree: consuming Descriptor, _ source: String, _ options: MountOptions
    ) throws(RuntimeError) -> PreparedMount.Content {
        let raw = tree.rawValue
        try step("bind source \(source)") { () throws(SystemCallError) in
            try setPropagation(raw, options)
            if options.set != [] || options.clear != [] {
                try changeMount(raw, set: options.set, clear: options.clear)
            }
            if options.recursiveSet != [] || options.recursiveClear != [] {
                try changeMount(
                    raw, set: options.recursiveSet, clear: options.recursiveClear, recursively: true)
            }
        }
        var status = stat()
        _ = try step("bind source \(source)") { () throws(SystemCallError) in
            try systemCall("fstat", source) { fstat(raw, &status) }
        }
        return .tree(SharedDescriptor(tree), isDirectory: status.st_mode & S_IFMT == S_IFDIR)
    }

    /// A copy of a shared mount is a peer of it: without a wish for that, what is mounted in the container must not
    /// travel back to the host.
    private static func setPropagation(_ tree: Int32, _ options: MountOptions) throws(SystemCallError) {
        let staysPeer = options.propagation == .shared
        if !staysPeer { try changeMount(tree, propagation: .slave, recursively: true) }
        if let propagation = options.propagation {
            try changeMount(tree, propagation: propagation, recursively: options.propagatesRecursively)
        }
    }

    /// What a container sees of version 1 control groups without a namespace of its own: its own directories, as if
    /// they were the hierarchies' roots. Nil where the kernel makes the view (a namespace, or version 2).
    private static func cgroupTrees(
        _ configuration: ContainerConfiguration
    ) throws(RuntimeError) -> [(controllers: [String], tree: SharedDescriptor)]? {
        guard let group = configuration.cgroup as? CgroupV1,
            !configuration.spec.linux.namespaces.contains(where: { $0.kind == .cgroup })
        else { return nil }
        var trees: [(controllers: [String], tree: SharedDescriptor)] = []
        for view in group.views {
            let tree = try step("control group \(view.directory)") { () throws(SystemCallError) in
                let tree = try openTree(view.directory, recursively: false)
                try changeMount(
                    tree.rawValue, set: [.readOnly, .noSetUID, .noDevices, .noExecute], propagation: .private)
                return SharedDescriptor(tree)
            }
            trees.append((view.controllers, tree))
        }
        return trees
    }
}

extension OverlayFilesystem {
    /// The overlay as a detached mount; nil where the kernel's mount API lacks what it takes (before 6.5).
    package func detachedMount() throws(RuntimeError) -> SharedDescriptor? {
        guard !lower.isEmpty else {
            throw RuntimeError(
                .invalidSpecification, "an overlay root filesystem needs at least one lower directory")
        }
        do throws(SystemCallError) {
            let context = try FilesystemContext(type: "overlay")
            try context.set("source", "overlay")
            for directory in lower { try context.set("lowerdir+", directory) }
            if let upper, let work {
                try context.set("upperdir", upper)
                try context.set("workdir", work)
                for (name, value) in Self.settings { try context.set(name, value) }
                if volatile {
                    Self.forgetVolatileMount(work)
                    try context.set("volatile")
                }
            }
            return SharedDescriptor(try context.mounted())
        } catch  where error.errno == EINVAL && !Self.kernelHasAppendedLowers() {
            // Some of these kernels take any option and refuse only the whole.
            return nil
        } catch {
            throw RuntimeError(.setupFailed, "root filesystem: \(error)", errno: error.errno)
        }
    }

    /// What hosts may have turned on in the kernel. With these off the upper directory alone tells what the container
    /// changed: `diff`, `commit` and `export` read it without mounting anything, and layers are tied to no others.
    private static let settings = [("metacopy", "off"), ("redirect_dir", "off"), ("index", "off")]

    /// Takes away what an earlier volatile mount leaves, and for which the kernel refuses the next one: after a power cut
    /// the upper directory may hold anything. Of a container that goes with the machine nothing is left then.
    /// See Documentation/filesystems/overlayfs.rst, "Volatile mount". What is not there need not go.
    private static func forgetVolatileMount(_ work: String) {
        let mark = work + "/work/incompat/volatile"
        unlink(mark + "/dirty")
        rmdir(mark)
    }

    /// `lowerdir+` came with Linux 6.5.
    private static func kernelHasAppendedLowers() -> Bool {
        var name = utsname()
        guard uname(&name) == 0 else { return true }
        let release = withUnsafeBytes(of: &name.release) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let numbers = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        return numbers.count < 2 || (numbers[0], numbers[1]) >= (6, 5)
    }

    /// Options for mount(2), which takes at most a page of them: names relative to the lowers' common parent.
    /// - Returns: the directory to be in, and the options
    func classicOptions() throws(RuntimeError) -> (directory: String, options: String) {
        let all = lower + [upper, work].compactMap { $0 }
        var common = all[0].split(separator: "/").dropLast()
        for path in all {
            let parts = path.split(separator: "/")
            while !parts.starts(with: common) { common = common.dropLast() }
        }
        let depth = common.count
        func short(_ path: String) throws(RuntimeError) -> String {
            let name = path.split(separator: "/").dropFirst(depth).joined(separator: "/")
            guard !name.contains(where: { $0 == ":" || $0 == "," || $0 == "\\" }) else {
                throw RuntimeError(
                    .unsupported,
                    "overlay directory \(path): this kernel's mount call takes no :, comma or backslash")
            }
            return name
        }
        var options = "lowerdir="
        for (index, path) in lower.enumerated() { options += (index > 0 ? ":" : "") + (try short(path)) }
        if let upper, let work {
            options += ",upperdir=\(try short(upper)),workdir=\(try short(work))"
            for (name, value) in Self.settings { options += ",\(name)=\(value)" }
            if volatile {
                Self.forgetVolatileMount(work)
                options += ",volatile"
            }
        }
        guard options.utf8.count < 4096 else {
            throw RuntimeError(
                .unsupported,
                "an image of \(lower.count) layers needs \(options.utf8.count) bytes of mount options and Linux before 6.5 "
                    + "takes 4095: use a newer kernel or an image of fewer layers")
        }
        return ("/" + common.joined(separator: "/"), options)
    }
}

extension ContainerConfiguration {
    /// Where `initProgram` is in the container.
    package static let initPath = "/sbin/docker-init"
}
