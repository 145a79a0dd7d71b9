import Cgroups
import ImageStore
import Logging
import Networking

/// What the services of one engine share. Holds, does nothing itself; made once by `Engine.open`.
struct EngineParts: Sendable {
    let configuration: EngineConfiguration
    let features: HostFeatures
    let cgroups: CgroupHost
    let logger: Logger
    let pool: BlockingPool
    let reactor: Reactor
    let database: StateDatabase
    let images: ImageStore
    let network: NetworkController
    /// The network knows the endpoints of running containers from then on: none may be released before.
    let networkStarted = OneShot<Void>()
    let volumes: VolumeStore
    let spawner: ShimSpawner
    let seccomp: SeccompPrograms
    let events: EventService
    let registry: ContainerRegistry
    let execs: ExecTable

    /// `<data-root>/containers/<id>`.
    func folder(of id: String) -> String { "\(configuration.dataRoot)/containers/\(id)" }

    /// `<exec-root>/shims/<id>`: exists from before the shim's start to after its end, so it is what a restarted
    /// engine looks at to learn of starts whose outcome nobody has recorded.
    func shimFolder(of id: String) -> String { "\(configuration.execRoot)/shims/\(id)" }
}
