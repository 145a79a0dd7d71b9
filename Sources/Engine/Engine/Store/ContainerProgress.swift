import Networking

/// How far a container is. Written at every step of its life.
struct ContainerProgress: Sendable, Codable, Equatable {
    var state = ContainerState.created
    /// How the last run ended, kept while the next one goes on.
    var lastExit: ExitStatus?
    /// What the last start failed with, for people to read; nothing is decided by it.
    var lastError = ""
    /// 125, 126, 127 or 128 after a failed start.
    var failureCode: Int32 = 0
    /// Networks that are held, from before the start to after the end.
    var endpoints: [Endpoint] = []
    /// Starts that the restart policy has made since the last one by hand.
    var restartCount = 0
    /// Somebody stopped it: the restart policy rests until the next start.
    var isStopped = false
    /// What `update` has changed of the specification.
    var changes = SpecChanges()
    /// Whether the removal that is under way takes the anonymous volumes, too.
    var removesVolumes = false
    /// nil where nothing is probed.
    var health: HealthState?

    init() {}

    var exitCode: Int32 {
        if state.isRunning { return 0 }
        return failureCode != 0 ? failureCode : lastExit?.code ?? 0
    }

    /// Whether it has ended, or could not be started: a `--rm` container goes then.
    var hasHadItsRun: Bool { !state.isRunning && (lastExit != nil || failureCode != 0) }

    /// The state of a container that does not run.
    var restingState: ContainerState { lastExit.map(ContainerState.exited) ?? .created }

    /// Members that records of earlier versions do not have are as they were then.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        state = try container.decode(ContainerState.self, forKey: .state)
        lastExit = try container.decodeIfPresent(ExitStatus.self, forKey: .lastExit)
        lastError = try container.decode(String.self, forKey: .lastError)
        failureCode = try container.decode(Int32.self, forKey: .failureCode)
        endpoints = try container.decode([Endpoint].self, forKey: .endpoints)
        restartCount = try container.decode(Int.self, forKey: .restartCount)
        isStopped = try container.decodeIfPresent(Bool.self, forKey: .isStopped) ?? false
        changes = try container.decodeIfPresent(SpecChanges.self, forKey: .changes) ?? SpecChanges()
        health = try container.decodeIfPresent(HealthState.self, forKey: .health)
        removesVolumes = try container.decodeIfPresent(Bool.self, forKey: .removesVolumes) ?? false
    }
}

/// What can be changed of a container that exists; nil is as it was created.
struct SpecChanges: Sendable, Codable, Equatable {
    var resources: Resources?
    var restartPolicy: RestartPolicy?
    /// Those that are left after `rm --link`.
    var links: [String]?
    /// The networks that it is on after `network connect` and `disconnect`.
    var connections: [NetworkConnection]?
    /// What is published after `port add` and `rm`.
    var publishedPorts: [PortPublication]?
    /// After a volume got another name: what was asked for, and what is mounted where.
    var mountSpec: MountSpec?
    var mounts: [MountPoint]?

    func applied(to spec: ContainerSpec) -> ContainerSpec {
        if self == SpecChanges() { return spec }
        var spec = spec
        if let resources { spec.resources = resources }
        if let restartPolicy { spec.restartPolicy = restartPolicy }
        if let links { spec.network.links = links }
        if let connections { spec.network.endpoints = connections }
        if let publishedPorts { spec.network.publishedPorts = publishedPorts }
        if let mountSpec { spec.mounts = mountSpec }
        return spec
    }
}
