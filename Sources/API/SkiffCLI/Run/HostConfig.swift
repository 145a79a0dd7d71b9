import JSONCodec

/// The part of a create request about the host: the API's `HostConfig`.
struct HostConfig {
    private let flags: FlagValues
    private let volumes: VolumeFlags
    private let ports: PublishedPorts
    private let networks: NetworkFlags

    init(_ flags: FlagValues, _ volumes: VolumeFlags, _ ports: PublishedPorts, _ networks: NetworkFlags) {
        self.flags = flags
        self.volumes = volumes
        self.ports = ports
        self.networks = networks
    }

    func json() throws(CommandError) -> JSONObject {
        var host = JSONObject()
        addFiles(to: &host)
        addNetwork(to: &host)
        try addLifecycle(to: &host)
        try addNamespaces(to: &host)
        try SecurityFlags(flags).add(to: &host)
        try ResourceConfig(flags).add(to: &host)
        return host
    }

    private func addFiles(to host: inout JSONObject) {
        host["Binds"] = .texts(volumes.binds)
        host["ContainerIDFile"] = .string(flags.string(RunFlags.cidfile))
        host["VolumeDriver"] = .string(flags.string(RunFlags.volumeDriver))
        host["VolumesFrom"] = .texts(flags.list(RunFlags.volumesFrom))
        if !volumes.mounts.isEmpty { host["Mounts"] = .array(volumes.mounts) }
        if !volumes.tmpfs.isEmpty { host["Tmpfs"] = .object(volumes.tmpfs) }
        host["ReadonlyRootfs"] = .bool(flags.bool(RunFlags.readOnly))
        host["ShmSize"] = .integer(flags.bytes(RunFlags.shmSize))
    }

    private func addNetwork(to host: inout JSONObject) {
        host["NetworkMode"] = .string(networks.mode)
        host["PortBindings"] = .object(ports.bindings)
        host["PublishAllPorts"] = .bool(flags.bool(RunFlags.publishAll))
        host["Dns"] = .list(flags.list(RunFlags.dns).map { IPAddress($0.trimmed)?.text ?? $0 })
        host["DnsOptions"] = .list(flags.list(RunFlags.dnsOption))
        host["DnsSearch"] = .list(flags.list(RunFlags.dnsSearch).map(\.trimmed))
        let extra = flags.list(RunFlags.addHost).compactMap { ExtraHost($0) }.map {
            "\($0.name):\($0.address)"
        }
        host["ExtraHosts"] = .texts(extra)
        host["Links"] = .texts(flags.list(RunFlags.link))
    }

    private func addLifecycle(to host: inout JSONObject) throws(CommandError) {
        let policy = try Self.restartPolicy(flags.string(RunFlags.restart))
        if flags.bool(RunFlags.remove), !["", "no"].contains(policy["Name"]?.stringValue) {
            throw CommandError(
                .invalidArgument, "conflicting options: cannot specify both --restart and --rm")
        }
        host["RestartPolicy"] = policy
        host["AutoRemove"] = .bool(flags.bool(RunFlags.remove))
        host["LogConfig"] = try logConfig()
        if flags.isSet(RunFlags.initProcess) { host["Init"] = .bool(flags.bool(RunFlags.initProcess)) }
        let runtime = flags.string(RunFlags.runtime)
        if !runtime.isEmpty { host["Runtime"] = .string(runtime) }
        var annotations = JSONObject()
        for text in flags.list(RunFlags.annotation) {
            let (name, value) = text.cut("=") ?? (text, "")
            annotations[name] = .string(value)
        }
        if !annotations.isEmpty { host["Annotations"] = .object(annotations) }
        try addStorageOptions(to: &host)
    }

    /// `always`, `on-failure:5`, …
    static func restartPolicy(_ text: String) throws(CommandError) -> JSONValue {
        if text.isEmpty { return ["Name": "", "MaximumRetryCount": 0] }
        let (name, count) = text.cut(":") ?? (text, "")
        if text.contains(":"), name.isEmpty {
            throw CommandError(
                .invalidArgument, "invalid restart policy format: no policy provided before colon")
        }
        guard let retries = count.isEmpty ? 0 : Int64(count) else {
            throw CommandError(
                .invalidArgument, "invalid restart policy format: maximum retry count must be an integer")
        }
        return ["Name": .string(name), "MaximumRetryCount": .integer(retries)]
    }

    private func logConfig() throws(CommandError) -> JSONValue {
        let driver = flags.string(ResourceFlags.logDriver)
        var options = JSONObject()
        for text in flags.list(ResourceFlags.logOption) {
            let (name, value) = text.cut("=") ?? (text, "")
            options[name] = .string(value)
        }
        if driver == "none", !options.isEmpty {
            throw CommandError(.invalidArgument, "invalid logging opts for driver \(driver)")
        }
        return ["Type": .string(driver), "Config": .object(options)]
    }

    private func addStorageOptions(to host: inout JSONObject) throws(CommandError) {
        var options = JSONObject()
        for text in flags.list(RunFlags.storageOption) {
            guard let (name, value) = text.cut("=") else {
                throw CommandError(.invalidArgument, "invalid storage option")
            }
            options[name] = .string(value)
        }
        if !options.isEmpty { host["StorageOpt"] = .object(options) }
    }

    private func addNamespaces(to host: inout JSONObject) throws(CommandError) {
        func mode(_ flag: Flag, _ allowed: [String], _ kind: String) throws(CommandError) -> JSONValue {
            let text = flags.string(flag)
            let isContainer =
                flag.name == "pid" && text.hasPrefix("container:") && text.count > "container:".count
            guard text.isEmpty || allowed.contains(text) || isContainer else {
                throw CommandError(.invalidArgument, "--\(flag.name): invalid \(kind) mode")
            }
            return .string(text)
        }
        host["PidMode"] = try mode(RunFlags.pid, ["host"], "PID")
        host["UTSMode"] = try mode(RunFlags.uts, ["host"], "UTS")
        host["UsernsMode"] = try mode(RunFlags.userns, ["host"], "USER")
        host["CgroupnsMode"] = try mode(RunFlags.cgroupns, ["host", "private"], "CGROUP")
        host["IpcMode"] = .string(flags.string(RunFlags.ipc))
        host["Cgroup"] = ""
        host["Isolation"] = .string(flags.string(RunFlags.isolation))
        host["CgroupParent"] = .string(flags.string(RunFlags.cgroupParent))
        host["Privileged"] = .bool(flags.bool(RunFlags.privileged))
        host["GroupAdd"] = .texts(flags.list(RunFlags.groupAdd))
        var sysctls = JSONObject()
        for text in flags.list(RunFlags.sysctl) {
            let (name, value) = text.cut("=") ?? (text, "")
            sysctls[name] = .string(value)
        }
        if !sysctls.isEmpty { host["Sysctls"] = .object(sysctls) }
    }
}
