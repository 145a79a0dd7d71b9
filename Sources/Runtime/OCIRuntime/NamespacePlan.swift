import Glibc
import LinuxKernel
import OCIModel

/// Which namespaces a container gets and how: made by clone3, or joined.
struct NamespacePlan: Sendable {
    /// New ones, made by clone3; the cgroup namespace is made later, by the child.
    let created: NamespaceFlags
    /// Existing ones that the child joins.
    let joinedByChild: [(kind: RuntimeNamespace.Kind, descriptor: SharedDescriptor)]
    /// An existing PID namespace: a process is born into it, so the caller has to point there before it forks.
    let pidNamespace: SharedDescriptor?
    /// Kinds in which the container does not share the caller's.
    let privateKinds: Set<RuntimeNamespace.Kind>

    init(_ linux: RuntimeLinux) throws(RuntimeError) {
        var created: NamespaceFlags = []
        var joined: [(kind: RuntimeNamespace.Kind, descriptor: SharedDescriptor)] = []
        var pidNamespace: SharedDescriptor?
        var privateKinds: Set<RuntimeNamespace.Kind> = []
        for namespace in linux.namespaces {
            guard let path = namespace.path else {
                if namespace.kind == .user || namespace.kind == .time {
                    throw RuntimeError(
                        .unsupported, "\(namespace.kind.rawValue) namespaces are not built yet")
                }
                privateKinds.insert(namespace.kind)
                if namespace.kind != .cgroup { created.insert(namespace.kind.flag) }
                continue
            }
            guard [.pid, .network, .ipc, .uts, .cgroup].contains(namespace.kind) else {
                throw RuntimeError(
                    .unsupported, "joining an existing \(namespace.kind.rawValue) namespace is not built yet")
            }
            let descriptor = try step("\(namespace.kind.rawValue) namespace \(path)") {
                () throws(SystemCallError) in
                SharedDescriptor(try openFile(path, O_RDONLY))
            }
            if try !Self.isCallersOwn(descriptor, namespace.kind) { privateKinds.insert(namespace.kind) }
            if namespace.kind == .pid {
                pidNamespace = descriptor
            } else {
                joined.append((namespace.kind, descriptor))
            }
        }
        guard created.contains(.mount) else {
            throw RuntimeError(
                .invalidSpecification, "linux.namespaces: a mount namespace of its own is needed")
        }
        self.created = created
        joinedByChild = joined
        self.pidNamespace = pidNamespace
        self.privateKinds = privateKinds
    }

    private static func isCallersOwn(
        _ descriptor: SharedDescriptor, _ kind: RuntimeNamespace.Kind
    ) throws(RuntimeError) -> Bool {
        let file = kind == .network ? "net" : kind.rawValue
        var theirs = stat()
        var own = stat()
        guard fstat(descriptor.rawValue, &theirs) == 0, stat("/proc/self/ns/\(file)", &own) == 0 else {
            throw RuntimeError(.setupFailed, "\(kind.rawValue) namespace: \(SystemCallError(call: "stat"))")
        }
        return theirs.st_ino == own.st_ino && theirs.st_dev == own.st_dev
    }

    /// Forks into the new namespaces.
    func fork(cgroup: Int32) throws(RuntimeError) -> ForkResult {
        guard let pidNamespace else {
            return try step("new process") { () throws(SystemCallError) in
                try LinuxKernel.fork(into: created, cgroup: cgroup)
            }
        }
        return try Self.fork(into: created, cgroup: cgroup, pidNamespace: pidNamespace.rawValue)
    }

    /// Forks a child into another PID namespace: the caller's children are born there until it points back.
    static func fork(
        into created: NamespaceFlags, cgroup: Int32, pidNamespace: Int32
    ) throws(RuntimeError) -> ForkResult {
        try step("new process") { () throws(SystemCallError) in
            let own = try openFile("/proc/self/ns/pid", O_RDONLY)
            try joinNamespaces(pidNamespace, .pid, named: "pid namespace")
            let result: ForkResult
            do throws(SystemCallError) {
                result = try LinuxKernel.fork(into: created, cgroup: cgroup)
            } catch {
                try joinNamespaces(own.rawValue, .pid)
                throw error
            }
            switch consume result {
            case .child: return .child
            case .parent(let pid, let pidfd):
                try joinNamespaces(own.rawValue, .pid)
                return .parent(pid: pid, pidfd: pidfd)
            }
        }
    }
}
