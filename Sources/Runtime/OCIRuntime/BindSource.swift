import Glibc
import LinuxKernel
import OCIModel

/// What one bind mount shows, opened in the caller's mount namespace as a detached tree.
struct BindSource {
    private let mount: RuntimeMount
    private let path: String
    private let options: MountOptions
    private let configuration: ContainerConfiguration
    private let source: RuntimeMountSource?

    init(
        _ mount: RuntimeMount, path: String, _ options: MountOptions, _ configuration: ContainerConfiguration
    ) {
        self.mount = mount
        self.path = path
        self.options = options
        self.configuration = configuration
        source = configuration.mountSources.first { $0.destination == mount.destination }
    }

    /// - Parameter root: the container's root, in whose files its user is looked up
    func open(_ root: SharedDescriptor?) throws(RuntimeError) -> Descriptor {
        let tree = try openTree()
        if source?.mapsOwner == true {
            let mapping = try OwnerMapping(of: tree.rawValue, to: try user(root), path)
            if let mapping { try map(tree.rawValue, mapping.uids, mapping.gids, options.bindsRecursively) }
        } else if !mount.uidMappings.isEmpty || !mount.gidMappings.isEmpty {
            try map(
                tree.rawValue, mount.uidMappings, mount.gidMappings, options.idMapping == .recursive)
        } else if options.idMapping != nil {
            throw RuntimeError(
                .unsupported,
                "mount \(mount.destination): idmap without uidMappings and gidMappings needs a user namespace, "
                    + "and user namespaces are not built yet")
        }
        return tree
    }

    private func openTree() throws(RuntimeError) -> Descriptor {
        guard let source, !source.layers.isEmpty || !source.subpath.isEmpty else { return try plainTree() }
        if source.layers.isEmpty {
            let base = try opened(path)
            let tree = try subtree(base.rawValue, source.subpath, path)
            _ = consume base
            return tree
        }
        guard let overlay = try OverlayFilesystem(lower: source.layers).detachedMount() else {
            throw RuntimeError(
                .unsupported, "mount \(mount.destination): mounting an image needs Linux 6.5 or newer")
        }
        if source.subpath.isEmpty { return try duplicate(overlay) }
        do throws(RuntimeError) {
            return try subtree(overlay.rawValue, source.subpath, "the image")
        } catch  where error.errno == EINVAL {
            throw RuntimeError(
                .unsupported,
                "mount \(mount.destination): a part of an image (image-subpath) needs Linux 6.15 or newer")
        }
    }

    private func plainTree() throws(RuntimeError) -> Descriptor {
        do throws(SystemCallError) {
            return try LinuxKernel.openTree(path, recursively: options.bindsRecursively)
        } catch  where error.errno == ENOENT {
            throw RuntimeError(.setupFailed, "bind source path does not exist: \(path)", errno: ENOENT)
        } catch {
            throw RuntimeError(.setupFailed, "bind source \(path): \(error)", errno: error.errno)
        }
    }

    private func opened(_ path: String) throws(RuntimeError) -> Descriptor {
        try step("bind source \(path)") { () throws(SystemCallError) in
            try openFile(path, O_PATH | O_DIRECTORY)
        }
    }

    private func duplicate(_ tree: SharedDescriptor) throws(RuntimeError) -> Descriptor {
        try step("bind source \(path)") { () throws(SystemCallError) in try tree.duplicate() }
    }

    /// The kernel itself sees to it that the way never leaves `base`, whatever is renamed or linked meanwhile; what it
    /// has found is known by a descriptor from then on.
    private func subtree(_ base: Int32, _ subpath: String, _ name: String) throws(RuntimeError) -> Descriptor
    {
        let found: SharedDescriptor
        do throws(SystemCallError) {
            found = SharedDescriptor(try openBelow(base, subpath, O_PATH, [.beneath, .noMagicLinks]))
        } catch  where error.errno == EXDEV {
            throw RuntimeError(
                .setupFailed, "cannot access path \(subpath): it leads out of \(name)", errno: EXDEV)
        } catch {
            let reason = String(cString: strerror(error.errno)).lowercased()
            throw RuntimeError(
                .setupFailed, "cannot access path \(subpath): \(reason)", errno: error.errno)
        }
        return try step("bind source \(name)/\(subpath)") { () throws(SystemCallError) in
            try LinuxKernel.openTree("", at: found.rawValue, recursively: options.bindsRecursively)
        }
    }

    // MARK: Ids

    private func user(_ root: SharedDescriptor?) throws(RuntimeError) -> ResolvedUser {
        guard let request = configuration.user else {
            let user = configuration.spec.process?.user
            return ResolvedUser(uid: user?.uid ?? 0, gid: user?.gid ?? 0)
        }
        guard let root else {
            throw RuntimeError(
                .unsupported, "mount \(mount.destination): mapping a mount's owner needs Linux 6.5 or newer")
        }
        return try UserDatabase.of(root: root.rawValue).resolve(request)
    }

    private func map(
        _ tree: Int32, _ uids: [RuntimeIDMapping], _ gids: [RuntimeIDMapping], _ recursively: Bool
    ) throws(RuntimeError) {
        let namespace = try MappingNamespace.make(uids, gids)
        do throws(SystemCallError) {
            try changeMount(
                tree, set: .idMapped, recursively: recursively, userNamespace: namespace.rawValue)
        } catch  where error.errno == EINVAL {
            throw RuntimeError(
                .unsupported,
                "mount \(mount.destination): the file system of \(path)\(recursively ? ", or of a mount below it," : "") "
                    + "cannot be mounted with mapped ids", errno: EINVAL)
        } catch {
            throw RuntimeError(.setupFailed, "mapping the ids of \(path): \(error)", errno: error.errno)
        }
    }
}
