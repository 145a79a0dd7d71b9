import OCIModel

/// Turns a container's specification into the runtime's, with Docker's defaults.
struct SpecBuilder {
    let inputs: SpecInputs
    let security: SecurityOptions

    init(_ inputs: SpecInputs) throws(EngineError) {
        self.inputs = inputs
        security = try SecurityOptions(parsing: inputs.spec.security.options)
    }

    var spec: ContainerSpec { inputs.spec }
    var isPrivileged: Bool { inputs.spec.security.isPrivileged }

    /// - Throws: `EngineError` for a device that does not exist, among others
    func build() throws(EngineError) -> RuntimeSpec {
        let devices = try self.devices()
        var linux = RuntimeLinux(namespaces: namespaces())
        linux.devices = devices.nodes
        linux.cgroupsPath = cgroupPath
        linux.resources = try resources(devices.rules)
        linux.sysctl = sysctls()
        linux.maskedPaths = maskedPaths
        linux.readonlyPaths = readOnlyPaths
        linux.rootfsPropagation = rootPropagation
        return RuntimeSpec(
            process: try process(), root: RuntimeRoot(path: "/", readonly: spec.mounts.readOnlyRoot),
            hostname: spec.namespaces.uts == .host ? nil : inputs.hostname,
            domainname: spec.namespaces.uts == .host || spec.network.domainname.isEmpty
                ? nil : spec.network.domainname,
            mounts: mounts(), annotations: spec.annotations, linux: linux)
    }

    private func namespaces() -> [RuntimeNamespace] {
        var result = [RuntimeNamespace(.mount)]
        func add(_ kind: RuntimeNamespace.Kind, _ namespace: SpecInputs.Namespace, _ file: String) {
            switch namespace {
            case .new: result.append(RuntimeNamespace(kind))
            case .process(let pid): result.append(RuntimeNamespace(kind, path: "/proc/\(pid)/ns/\(file)"))
            case .host: break
            }
        }
        add(.network, inputs.network, "net")
        add(.uts, spec.namespaces.uts == .host ? .host : .new, "uts")
        add(.pid, inputs.pid, "pid")
        add(.ipc, inputs.ipc, "ipc")
        if spec.namespaces.cgroup == .private { result.append(RuntimeNamespace(.cgroup)) }
        return result
    }

    /// With the container's own parent or the daemon's.
    private var cgroupPath: String {
        inputs.configuration.cgroupPath(parent: spec.cgroupParent, id: inputs.id)
    }

    /// Only a network or IPC namespace of the container's own may be changed.
    private func sysctls() -> [String: String] {
        var result: [String: String] = [:]
        if inputs.network == .new {
            result["net.ipv4.ip_unprivileged_port_start"] = "0"
            if spec.namespaces.user != .host { result["net.ipv4.ping_group_range"] = "0 2147483647" }
        }
        return result.merging(spec.sysctls) { _, own in own }
    }

    private var showsAll: Bool { isPrivileged || security.systemPathsUnconfined }

    private var maskedPaths: [String] {
        if let paths = spec.security.maskedPaths { return paths }
        return showsAll ? [] : DefaultPaths.masked
    }

    private var readOnlyPaths: [String] {
        if let paths = spec.security.readOnlyPaths { return paths }
        return showsAll ? [] : DefaultPaths.readOnly
    }

    /// The root has to propagate at least as much as the mounts below it are to.
    private var rootPropagation: String? {
        let wanted = Set(inputs.mounts.filter { $0.kind == .bind }.map(\.propagation))
        if !wanted.isDisjoint(with: ["shared", "rshared"]) { return "shared" }
        if !wanted.isDisjoint(with: ["slave", "rslave"]) { return "rslave" }
        return nil
    }
}
