import Cgroups
import ImageStore
import Logging
import Networking
import OCIModel

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

    /// An image is used now. Nobody waits for the record.
    func noteUse(ofImage id: String) {
        let time = Timestamp.now
        guard let image = Digest(id), images.noteUse(image, at: time) else { return }
        commitUse(image, time)
    }

    private func commitUse(_ image: Digest, _ time: Timestamp) {
        let logger = logger
        database.commitLater(
            .processCrash,
            failed: { error in
                logger.warning(
                    "cannot record an image's use", metadata: ["image": "\(image)", "error": "\(error)"])
            }
        ) { try ImageStore.recordUse(image, at: time, $0) }
    }

    /// `<data-root>/containers/<id>`.
    func folder(of id: String) -> String { "\(configuration.dataRoot)/containers/\(id)" }

    /// `<exec-root>/shims/<id>`: exists from before the shim's start to after its end, so it is what a restarted
    /// engine looks at to learn of starts whose outcome nobody has recorded.
    func shimFolder(of id: String) -> String { "\(configuration.execRoot)/shims/\(id)" }
}
