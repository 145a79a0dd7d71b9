import Cgroups
import Glibc
import LinuxKernel
import OCIModel

/// Builds the container's file tree, in the container's namespaces and still with the host's root.
struct FilesystemSetup: ~Copyable {
    let root: RootTree
    private let configuration: ContainerConfiguration
    private let prepared: PreparedMounts

    /// Puts the root filesystem on top of `/`, where the caller's paths still lead below it.
    init(_ configuration: ContainerConfiguration, _ prepared: PreparedMounts) throws(RuntimeError) {
        let wished = configuration.spec.linux.rootfsPropagation ?? "rslave"
        guard let propagation = MountOptions.propagation(wished) else {
            throw RuntimeError(.invalidSpecification, "linux.rootfsPropagation: unknown value \(wished)")
        }
        // Whatever is wished for the container: its root must not be a peer of the host's while it is changed.
        let outer: MountPropagation = propagation.kind == .private ? .private : .slave
        try step("mount namespace") { () throws(SystemCallError) in
            try changeMount(at: "/", propagation: outer, recursively: true)
        }
        root = RootTree(try Self.mountRoot(prepared))
        self.configuration = configuration
        self.prepared = prepared
    }

    private static func mountRoot(_ prepared: PreparedMounts) throws(RuntimeError) -> Descriptor {
        guard let tree = prepared.root else { return try mountClassic(prepared.classicOverlay) }
        return try step("root filesystem") { () throws(SystemCallError) in
            try moveMount(tree.rawValue, to: "/")
            return try tree.duplicate()
        }
    }

    /// The overlay by mount(2) over /proc, through which it is found again by a descriptor.
    private static func mountClassic(_ overlay: OverlayFilesystem?) throws(RuntimeError) -> Descriptor {
        guard let overlay else { throw RuntimeError(.invalidSpecification, "there is no root filesystem") }
        let (directory, options) = try overlay.classicOptions()
        return try step("root filesystem") { () throws(SystemCallError) in
            try systemCall("chdir", directory) { chdir(directory) }
            try mount("overlay", on: "/", type: "overlay", data: options)
            // `/` itself does not lead to what is mounted on it, `/..` does.
            return try openFile("/..", O_PATH | O_DIRECTORY)
        }
    }

    func mountAll() throws(RuntimeError) {
        for mount in prepared.mounts {
            switch mount.content {
            case .tree(let tree, let isDirectory): try place(tree.rawValue, mount, isDirectory)
            case .filesystem: try mountFilesystem(mount)
            case .cgroups(let trees): try mountCgroups(mount, trees)
            }
        }
    }

    private func place(_ tree: Int32, _ mount: PreparedMount, _ isDirectory: Bool) throws(RuntimeError) {
        let target =
            isDirectory ? try root.directory(mount.destination) : try root.file(mount.destination)
        let raw = target.rawValue
        try step("mount \(mount.source) on \(mount.destination)") { () throws(SystemCallError) in
            try moveMount(tree, onto: raw, named: mount.destination)
        }
    }

    private func mountFilesystem(_ mount: PreparedMount) throws(RuntimeError) {
        let ordinary = mount.type == "proc" || mount.type == "sysfs"
        let existed = mount.type == "tmpfs" && exists(mount.destination)
        let target =
            ordinary ? try root.ordinaryDirectory(mount.destination) : try root.directory(mount.destination)
        var options = mount.options
        if mount.type == "tmpfs", !options.data.contains(where: { $0.hasPrefix("mode=") }) {
            var status = stat()
            if !existed {
                // The kernel's own mode, for the mount now and for those that find the directory there later.
                options.data.append("mode=1777")
                try openToAll(target.rawValue, mount.destination)
            } else if fstat(target.rawValue, &status) == 0 {
                options.data.append("mode=" + String(status.st_mode & 0o7777, radix: 8))
            }
        }
        if mount.type == "cgroup" || mount.type == "cgroup2" {
            return try mountCgroupNamespaceView(mount, target)
        }
        try Self.mountNew(mount.type, mount.source, on: target.rawValue, mount.destination, options)
        if options.copiesUp {
            try TemporaryFilesystemCopy.fill(root, mount.destination, from: target.rawValue)
        }
        if let propagation = options.propagation {
            try step("mount \(mount.destination)") { () throws(SystemCallError) in
                let top = try root.open(mount.destination)
                try changeMount(
                    top.rawValue, propagation: propagation, recursively: options.propagatesRecursively)
            }
        }
        if options.copiesUp, options.set.contains(.readOnly) { try makeReadOnly(mount.destination) }
    }

    private func exists(_ path: String) -> Bool {
        do throws(SystemCallError) {
            _ = try root.open(path)
            return true
        } catch {
            return false
        }
    }

    private func openToAll(_ directory: Int32, _ path: String) throws(RuntimeError) {
        try step("mount \(path)") { () throws(SystemCallError) in
            let opened = Descriptor(
                owning: try systemCall("openat", path) {
                    openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                })
            let raw = opened.rawValue
            try systemCall("fchmod", path) { fchmod(raw, 0o1777) }
        }
    }

    private func makeReadOnly(_ path: String) throws(RuntimeError) {
        try step("mount \(path)") { () throws(SystemCallError) in
            let top = try root.open(path)
            try changeMount(top.rawValue, set: .readOnly)
        }
    }

    /// mount(2) on a directory that is known by a descriptor, and on nothing else: through the current directory.
    private static func mountNew(
        _ type: String, _ source: String, on target: Int32, _ name: String, _ options: MountOptions
    ) throws(RuntimeError) {
        let flags = options.copiesUp ? options.flags & ~1 : options.flags
        try step("mount \(type) on \(name)") { () throws(SystemCallError) in
            try systemCall("fchdir", name) { fchdir(target) }
            try mount(source, on: ".", type: type, flags: flags, data: options.data.joined(separator: ","))
        }
    }

    // MARK: Control groups

    private func mountCgroups(
        _ mount: PreparedMount, _ trees: [(controllers: [String], tree: SharedDescriptor)]
    ) throws(RuntimeError) {
        let top = try mountCgroupFolder(mount)
        for (controllers, tree) in trees {
            let place = try Self.hierarchyFolder(controllers, in: top.rawValue)
            try step("control groups in \(mount.destination)") { () throws(SystemCallError) in
                try moveMount(tree.rawValue, onto: place.rawValue, named: controllers.joined(separator: ","))
            }
        }
        if mount.options.set.contains(.readOnly) { try makeReadOnly(mount.destination) }
    }

    /// The tmpfs that holds a folder for each hierarchy of version 1.
    private func mountCgroupFolder(_ mount: PreparedMount) throws(RuntimeError) -> Descriptor {
        let target = try root.directory(mount.destination)
        var options = MountOptions.none
        options.flags = mount.options.flags & ~1
        options.data = ["mode=755"]
        try Self.mountNew("tmpfs", "tmpfs", on: target.rawValue, mount.destination, options)
        return try step("control groups in \(mount.destination)") { () throws(SystemCallError) in
            try root.open(mount.destination, O_PATH | O_DIRECTORY)
        }
    }

    /// A folder in that tmpfs; controllers that share a hierarchy get one with all names, and a link for each.
    private static func hierarchyFolder(
        _ controllers: [String], in top: Int32
    ) throws(RuntimeError) -> Descriptor {
        let names = controllers.map(directoryName)
        let name = names.joined(separator: ",")
        return try step("control groups: \(name)") { () throws(SystemCallError) in
            try systemCall("mkdirat", name) { mkdirat(top, name, 0o755) }
            if names.count > 1 {
                for link in names { try systemCall("symlinkat", link) { symlinkat(name, top, link) } }
            }
            return try openFile(name, O_PATH | O_DIRECTORY | O_NOFOLLOW, at: top)
        }
    }

    private static func directoryName(_ controller: String) -> String {
        controller.hasPrefix("name=") ? String(controller.dropFirst(5)) : controller
    }

    /// Version 2, or version 1 in a namespace of its own: the kernel shows the group as the root.
    private func mountCgroupNamespaceView(
        _ mount: PreparedMount, _ target: borrowing Descriptor
    ) throws(RuntimeError) {
        guard let group = configuration.cgroup as? CgroupV1 else {
            return try Self.mountNew(
                "cgroup2", "cgroup", on: target.rawValue, mount.destination, mount.options)
        }
        let top = try mountCgroupFolder(mount)
        var options = mount.options
        for (controllers, _, _) in group.views {
            let place = try Self.hierarchyFolder(controllers, in: top.rawValue)
            options.data = controllers.map { $0.hasPrefix("name=") ? "none,\($0)" : $0 }
            try Self.mountNew("cgroup", "cgroup", on: place.rawValue, mount.destination, options)
        }
        if mount.options.set.contains(.readOnly) { try makeReadOnly(mount.destination) }
    }

    // MARK: The root

    /// Makes the tree `/`; nothing of the host's is reachable by a path afterwards.
    func changeRoot() throws(RuntimeError) {
        let raw = root.descriptor.rawValue
        try step("changing the root") { () throws(SystemCallError) in
            try systemCall("fchdir") { fchdir(raw) }
            if configuration.usesPivotRoot {
                try pivotRootToCurrentDirectory()
                try unmount(".", flags: 2)  // MNT_DETACH
            } else {
                try systemCall("chroot") { chroot(".") }
            }
            try systemCall("chdir", "/") { chdir("/") }
        }
        let propagation = MountOptions.propagation(configuration.spec.linux.rootfsPropagation ?? "rslave")
        if let propagation, configuration.spec.linux.rootfsPropagation != nil {
            try step("linux.rootfsPropagation") { () throws(SystemCallError) in
                try changeMount(at: "/", propagation: propagation.kind, recursively: propagation.recursive)
            }
        }
    }
}

extension MountOptions {
    static var none: MountOptions { MountOptions() }

    init() {}
}
