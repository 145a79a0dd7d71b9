/// What a specification is built from: everything is decided, nothing is looked up but device nodes.
struct SpecInputs: Sendable {
    enum Namespace: Sendable, Equatable {
        case new, host
        /// That of the process with this number.
        case process(Int32)
    }

    /// What `/dev/shm` is.
    enum SharedMemory: Sendable, Equatable {
        case none
        case tmpfs(bytes: Int64)
        /// A folder of the host.
        case bind(String)
    }

    var id: String
    var spec: ContainerSpec
    var hostname: String
    /// Binds, volumes and tmpfs, their sources existing.
    var mounts: [MountPoint]
    var features: HostFeatures
    var configuration: EngineConfiguration
    var network = Namespace.new
    var pid = Namespace.new
    var ipc = Namespace.new
    var sharedMemory: SharedMemory
    /// Files that are mounted over `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf`; nil for none.
    var files: ContainerPaths?
    /// What `--link` adds, before the container's own variables.
    var linkEnvironment: [String] = []
}
