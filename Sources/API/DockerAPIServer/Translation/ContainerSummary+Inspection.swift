import DockerAPI
import Engine
import OCIModel

extension ContainerSummary {
    init(_ inspection: ContainerInspection, size: ContainerSize?, now: Timestamp, version: APIVersion) {
        self.init()
        id = inspection.id
        names = ([inspection.name] + inspection.linkNames).map { "/" + $0 }
        image = inspection.spec.image
        imageID = inspection.imageID
        command = Self.command(inspection)
        created = inspection.created.seconds
        ports = inspection.network.ports.flatMap(PortSummary.list)
        sizeRw = size?.writable ?? 0
        sizeRootFs = size?.root ?? 0
        labels = inspection.spec.labels
        state = inspection.state.status
        status = StatusText.of(inspection, now: now)
        hostConfig.networkMode = inspection.spec.network.mode.text
        if version.listsAnnotations { hostConfig.annotations = inspection.spec.annotations }
        networkSettings.networks = EndpointSettings.byName(inspection, version: version).mapValues(\.listed)
        mounts = inspection.mounts.map(DockerAPI.MountPoint.init)
    }

    private static func command(_ inspection: ContainerInspection) -> String {
        let arguments = inspection.arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }
        return ([inspection.path] + arguments).joined(separator: " ")
    }
}

extension PortSummary {
    /// A port once for each address that it is published on; once without, where it is exposed only.
    static func list(_ state: PortState) -> [PortSummary] {
        var exposed = PortSummary()
        exposed.privatePort = state.port.number
        exposed.type = state.port.transport.rawValue
        guard !state.bindings.isEmpty else { return [exposed] }
        return state.bindings.map { binding in
            var published = exposed
            published.ip = binding.address
            published.publicPort = binding.port
            return published
        }
    }
}

/// The status column of `docker ps`.
enum StatusText {
    static func of(_ inspection: ContainerInspection, now: Timestamp) -> String {
        func since(_ time: Timestamp) -> String { HumanDuration.text(seconds: (now.seconds - time.seconds)) }
        switch inspection.state {
        case .created, .starting: return "Created"
        case .running(let state): return "Up \(since(state.startedAt))\(health(inspection.health))"
        case .restarting(let exit): return "Restarting (\(exit.code)) \(since(exit.finishedAt)) ago"
        case .paused(let state): return "Up \(since(state.startedAt)) (Paused)"
        case .exited(let exit): return "Exited (\(exit.code)) \(since(exit.finishedAt)) ago"
        case .removing: return "Removal In Progress"
        case .dead: return "Dead"
        }
    }

    private static func health(_ state: HealthState?) -> String {
        switch state?.status {
        case .starting: " (health: starting)"
        case .healthy: " (healthy)"
        case .unhealthy: " (unhealthy)"
        case nil: ""
        }
    }
}
