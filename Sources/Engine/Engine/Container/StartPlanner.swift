import ImageStore
import Glibc
import LinuxKernel
import Networking
import OCIModel
import ShimProtocol

/// Decides a start: joins namespaces, takes addresses and ports, builds the specification. Blocks; nothing stays taken
/// where it throws.
struct StartPlanner: Sendable {
    let container: Container

    private var parts: EngineParts { container.parts }
    private var spec: ContainerSpec { container.spec }
    private var definition: ContainerDefinition { container.definition }

    func plan() throws -> StartPlan {
        var inputs = SpecInputs(
            id: container.id, spec: spec, hostname: spec.network.hostname, mounts: container.mounts,
            features: parts.features, configuration: parts.configuration, sharedMemory: .none)
        inputs.mounts = try MountSources(container.mounts).prepare()
        try joinNamespaces(&inputs)
        let links = try Link.resolve(of: container)
        inputs.linkEnvironment = links.flatMap(\.environment)
        let donor = try networkDonor()
        inputs.files = paths(of: donor ?? container)
        let endpoints = try donor == nil ? allocate() : []
        do {
            let builder = try SpecBuilder(inputs)
            let request = try request(try builder.build(), builder)
            let files = donor == nil ? try nameFiles(endpoints, links) : []
            return StartPlan(endpoints: endpoints, request: request, files: files)
        } catch {
            for endpoint in endpoints { parts.network.release(endpoint) }
            throw error
        }
    }

    private func request(_ spec: RuntimeSpec, _ builder: SpecBuilder) throws -> CreateRequest {
        let layer = parts.images.paths(of: definition.layer)
        let root: ContainerRoot =
            switch layer.driver {
            case .overlay2:
                .overlay(
                    lower: layer.lower, upper: layer.upper, work: layer.work, volatile: self.spec.autoRemove)
            case .vfs: .directory(layer.upper)
            }
        var request = CreateRequest(containerID: container.id, spec: spec, root: root)
        request.mountSources = container.mounts.compactMap { $0.runtimeSource(parts.images) }
        request.lockPath = layer.work + ".lock"
        request.user = self.spec.process.user
        request.groupAdd = self.spec.process.additionalGroups
        request.openStdin = self.spec.streams.standardInput != .closed
        request.stdinOnce = self.spec.streams.standardInput == .once
        request.log = try LogFile.configuration(self.spec, path: paths(of: container).log)
        request.useInit = self.spec.usesInit ?? parts.configuration.initByDefault
        request.seccompProgram = try parts.seccomp.program(for: try builder.seccomp())
        return request
    }

    // MARK: Namespaces

    private func joinNamespaces(_ inputs: inout SpecInputs) throws(EngineError) {
        switch spec.network.mode {
        case .host: inputs.network = .host
        case .container(let id): inputs.network = .process(try pid(id, "network"))
        case .standard, .bridge, .none, .named: inputs.network = .new
        }
        switch spec.namespaces.pid {
        case .private: inputs.pid = .new
        case .host: inputs.pid = .host
        case .container(let id): inputs.pid = .process(try pid(id, "PID"))
        }
        try joinIPC(&inputs)
    }

    private func pid(_ id: String, _ kind: String) throws(EngineError) -> Int32 {
        guard let running = try parts.registry.find(id).state.runningState else {
            throw EngineError(.wrongState, "cannot join \(kind) of a non running container: \(id)")
        }
        return running.pid
    }

    private func joinIPC(_ inputs: inout SpecInputs) throws(EngineError) {
        switch spec.namespaces.ipc {
        case .host:
            inputs.ipc = .host
            inputs.sharedMemory = .bind("/dev/shm")
        case .none: inputs.sharedMemory = .none
        case .standard, .private: inputs.sharedMemory = .tmpfs(bytes: spec.mounts.shmSize)
        case .shareable:
            try SharedMemoryMount.mount(sharedMemoryPath(container), bytes: spec.mounts.shmSize)
            inputs.sharedMemory = .bind(sharedMemoryPath(container))
        case .container(let id):
            let donor = try parts.registry.find(id)
            inputs.ipc = .process(try pid(id, "IPC"))
            switch donor.spec.namespaces.ipc {
            case .shareable: inputs.sharedMemory = .bind(sharedMemoryPath(donor))
            case .host: inputs.sharedMemory = .bind("/dev/shm")
            default:
                throw EngineError(
                    .wrongState,
                    "non-shareable IPC of container \(id) (hint: use IpcMode:shareable for the donor container)"
                )
            }
        }
    }

    private func sharedMemoryPath(_ container: Container) -> String {
        SharedMemoryMount.path(in: parts.folder(of: container.id))
    }

    // MARK: Network

    private func networkDonor() throws(EngineError) -> Container? {
        guard case .container(let id) = spec.network.mode else { return nil }
        return try parts.registry.find(id)
    }

    private func allocate() throws -> [Endpoint] {
        let connections = spec.network.endpoints
        let publisher = container.publisher(connections)
        var endpoints: [Endpoint] = []
        do {
            for (index, connection) in connections.enumerated() {
                let ports =
                    try index == publisher ? spec.network.portRequests(exposed: spec.exposedPorts) : []
                endpoints.append(try container.allocate(connection, beside: endpoints, ports: ports))
            }
        } catch {
            for endpoint in endpoints { parts.network.release(endpoint) }
            throw error
        }
        GatewayChoice.mark(&endpoints, priorities: container.gatewayPriorities(connections))
        return endpoints
    }

    private func nameFiles(_ endpoints: [Endpoint], _ links: [Link]) throws -> [(
        path: String, content: String
    )] {
        let names = names(endpoints, links)
        let files = paths(of: container)
        return [
            (files.hosts, try names.hostsFile(hostFile: hostFile("/etc/hosts"))),
            (files.resolvConf, names.resolvConf(hostFile: hostFile("/etc/resolv.conf"))),
            (files.hostname, names.hostnameFile),
        ]
    }

    /// The content of `/etc/resolv.conf` on these networks.
    func resolvConf(_ endpoints: [Endpoint]) -> String {
        names(endpoints, []).resolvConf(hostFile: hostFile("/etc/resolv.conf"))
    }

    private func names(_ endpoints: [Endpoint], _ links: [Link]) -> NameConfiguration {
        var names = NameConfiguration(mode: nameMode(endpoints), hostname: spec.network.hostname)
        names.domainname = spec.network.domainname
        names.addresses = endpoints.flatMap(\.addresses)
        names.extraHosts = spec.network.extraHosts
        names.hostGateway = hostGateway(endpoints)
        names.links = links.compactMap(\.entry)
        let own = spec.network.dns
        let daemon = parts.configuration.dns
        names.dns = own.servers.isEmpty ? daemon.servers : own.servers
        names.dnsSearch = own.search.isEmpty ? daemon.search : own.search
        names.dnsOptions = own.options.isEmpty ? daemon.options : own.options
        return names
    }

    /// What `host-gateway` stands for: the host on the default bridge, else on the container's own.
    private func hostGateway(_ endpoints: [Endpoint]) -> [IPAddress] {
        if let bridge = try? parts.network.network("bridge") {
            return bridge.ipamConfigurations.compactMap(\.gateway)
        }
        return endpoints.compactMap { $0.ipv4?.gateway.map(IPAddress.v4) }
    }

    private func nameMode(_ endpoints: [Endpoint]) -> NameConfiguration.Mode {
        if endpoints.contains(where: { !$0.names.isEmpty }) { return .resolver }
        return switch spec.network.mode {
        case .host: .host
        case .none: .none
        default: .bridge
        }
    }

    private func hostFile(_ path: String) -> String {
        (try? readFile(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private func paths(of container: Container) -> ContainerPaths {
        ContainerPaths(folder: parts.folder(of: container.id), id: container.id, spec: container.spec)
    }
}

extension ContainerPaths {
    init(folder: String, id: String, spec: ContainerSpec) {
        hosts = "\(folder)/hosts"
        hostname = "\(folder)/hostname"
        resolvConf = "\(folder)/resolv.conf"
        log = spec.logConfiguration.driver == "none" ? "" : "\(folder)/\(id)-json.log"
    }
}
