package import Cgroups
package import OCIModel

/// Everything that is needed to make a container; nothing in it is owned.
package struct ContainerConfiguration: Sendable {
    package var id: String
    /// Namespaces, mounts, process, limits. `linux.seccomp` is ignored in favour of `seccomp`; `linux.cgroupsPath`
    /// in favour of `cgroup`, `root` in favour of `rootFilesystem` (but for `readonly`).
    package var spec: RuntimeSpec
    package var rootFilesystem: RootFilesystem
    /// Of bind mounts of the specification whose source is more than a path.
    package var mountSources: [RuntimeMountSource] = []
    /// The bundle's directory for hooks and relative bind sources; empty where there is none.
    package var bundle = ""
    /// The group to run in, made by the caller with its limits applied; nil stays in the caller's.
    package var cgroup: (any Cgroup)?
    /// Instead of `spec.process.user`, resolved in the container's own passwd and group files.
    package var user: UserRequest?
    package var streams: StandardStreams = .inherit
    /// Loaded last, just before exec.
    package var seccomp: SeccompProgram?
    /// A static program on the host that becomes PID 1 at /sbin/docker-init and starts the container's program.
    package var initProgram: String?
    /// Whether the container's first process is killed when the calling process ends.
    package var diesWithParent = false
    /// Whether `ContainerProcess.takeBareRoot()` has something to give.
    package var keepsBareRoot = false
    /// Descriptors from 3 on that the container's program inherits.
    package var preservedDescriptors: Int32 = 0
    /// False moves the root and calls chroot: only for roots that pivot_root refuses (an initial ramdisk).
    package var usesPivotRoot = true

    package init(id: String, spec: RuntimeSpec, rootFilesystem: RootFilesystem) {
        self.id = id
        self.spec = spec
        self.rootFilesystem = rootFilesystem
    }
}

/// What becomes `/` of the container.
package enum RootFilesystem: Sendable, Equatable {
    /// A directory of the host, with what is mounted below it.
    case directory(String)
    case overlay(OverlayFilesystem)
}

/// An overlay mount made for one container (the kernel's Documentation/filesystems/overlayfs.rst).
package struct OverlayFilesystem: Sendable, Equatable {
    /// Topmost first; at least one.
    package var lower: [String]
    /// Nil for a read-only overlay of the lower directories.
    package var upper: String?
    package var work: String?
    /// Never syncs the upper directory: for containers whose changes nobody keeps (`--rm`).
    package var volatile: Bool

    package init(lower: [String], upper: String? = nil, work: String? = nil, volatile: Bool = false) {
        self.lower = lower
        self.upper = upper
        self.work = work
        self.volatile = volatile
    }
}

/// A user as people write it.
package struct UserRequest: Sendable, Equatable {
    /// `user`, `uid`, `user:group`, `uid:gid`, `:group`; empty for root.
    package var user: String
    /// Names or numbers (`--group-add`).
    package var additionalGroups: [String]

    package init(user: String, additionalGroups: [String] = []) {
        self.user = user
        self.additionalGroups = additionalGroups
    }
}

/// What a process of a container has as descriptors 0 to 2.
package enum StandardStreams: Sendable, Equatable {
    case inherit
    /// Descriptors of the caller, who keeps them (and closes them after the start).
    case descriptors(input: Int32, output: Int32, error: Int32)
    /// A new terminal of the container's own devpts, whose other end `takeConsole()` gives.
    case console(RuntimeConsoleSize?)
}

/// A compiled system call filter: the kernel's `struct sock_filter` array and flags for seccomp(2).
package struct SeccompProgram: Sendable, Equatable {
    /// Eight bytes for each instruction.
    package var instructions: [UInt8]
    /// SECCOMP_FILTER_FLAG_*.
    package var flags: UInt32

    package init(instructions: [UInt8], flags: UInt32 = 0) {
        self.instructions = instructions
        self.flags = flags
    }
}

/// A further process of a running container.
package struct ExecConfiguration: Sendable {
    package var process: RuntimeProcess
    /// Instead of `process.user`, resolved in the container's own passwd and group files.
    package var user: UserRequest?
    /// The container's group; nil stays in the caller's.
    package var cgroup: (any Cgroup)?
    package var streams: StandardStreams = .inherit
    package var seccomp: SeccompProgram?
    package var diesWithParent = false
    package var preservedDescriptors: Int32 = 0

    package init(process: RuntimeProcess) { self.process = process }
}

extension ContainerConfiguration {
    /// - Throws: where the id cannot be part of a path
    package static func checkIdentifier(_ id: String) throws(RuntimeError) {
        try SpecificationCheck.identifierIsPlain(id)
    }
}

extension ContainerConfiguration {
    /// Mount options that the runtime itself understands; others go to the filesystem.
    package static var mountOptionNames: [String] { MountOptions.names }
}
