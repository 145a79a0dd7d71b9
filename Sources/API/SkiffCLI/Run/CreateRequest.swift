import DockerAPI
import EngineClient
import JSONCodec

/// The body of a create request from the flags of `run` and `create`, member for member as Docker's client sends it.
struct CreateRequest {
    let flags: FlagValues
    /// The image, then the command.
    let arguments: [String]
    let name: String
    let platform: String
    let attachesInput: Bool
    let attachesOutput: Bool
    let attachesErrors: Bool
    private(set) var warnings: [String] = []
    /// Rows and columns of the terminal that the container's will be shown on.
    var consoleSize: (rows: Int, columns: Int) = (0, 0)

    let config: JSONObject
    private let host: JSONObject
    private let endpoints: JSONObject

    /// - Throws: `CommandError` in Docker's words
    init(flags: FlagValues, arguments: [String]) throws(CommandError) {
        self.flags = flags
        self.arguments = arguments
        name = flags.string(RunFlags.name)
        platform = flags.string(RunFlags.platform)
        let streams = flags.list(RunFlags.attach).map { $0.lowercased() }
        attachesInput = streams.contains("stdin") || flags.bool(RunFlags.interactive)
        attachesOutput = streams.isEmpty || streams.contains("stdout")
        attachesErrors = streams.isEmpty || streams.contains("stderr")
        if flags.isSet(RunFlags.useAPISocket), flags.bool(RunFlags.useAPISocket) {
            throw CommandError(.notBuilt, "--use-api-socket is not built yet")
        }
        if flags.isSet(ResourceFlags.gpus) {
            throw CommandError(.notBuilt, "--gpus is not built yet: GPUs cannot be given to containers")
        }
        if flags.isSet(ResourceFlags.kernelMemory) {
            warnings.append("WARNING: --kernel-memory is no longer supported and is ignored")
        }
        try Self.refuseWindows(flags)
        let pull = flags.string(RunFlags.pull)
        guard ["always", "missing", "never", ""].contains(pull) else {
            throw CommandError(
                .invalidArgument,
                "invalid pull option: '\(pull)': must be one of \"always\", \"missing\" or \"never\"")
        }
        let volumes = try VolumeFlags(flags)
        let ports = try PublishedPorts(
            publish: flags.list(RunFlags.publish), expose: flags.list(RunFlags.expose))
        let networks = try NetworkFlags(flags)
        config = try ContainerConfig(flags, arguments, volumes, ports).json(
            attached: (attachesInput, attachesOutput, attachesErrors))
        host = try HostConfig(flags, volumes, ports, networks).json()
        endpoints = networks.endpoints
    }

    var image: String { arguments[0] }

    private static func refuseWindows(_ flags: FlagValues) throws(CommandError) {
        let windows = [
            ResourceFlags.cpuCount, ResourceFlags.cpuPercent, ResourceFlags.ioMaxBandwidth,
            ResourceFlags.ioMaxOperations,
        ]
        let lines = windows.filter { flags.isSet($0) }.map { flag in
            "\"--\(flag.name)\" is only supported on a Docker daemon running on windows, "
                + "but the Docker daemon is running on linux"
        }
        if lines.isEmpty { return }
        throw CommandError(.unsupportedByDaemon, lines.joined(separator: "\n"))
    }

    /// - Throws: `EngineError` (unsupported) where a flag needs a newer daemon, which would ignore it
    private func checkFlags(_ version: APIVersion) throws(EngineError) {
        var needs = [(RunFlags.annotation, "--annotation", APIVersion(1, 43))]
        needs.append((ResourceFlags.healthStartInterval, "--health-start-interval", APIVersion(1, 44)))
        needs.append((RunFlags.macAddress, "specify mac-address per network", APIVersion(1, 44)))
        for (flag, name, least) in needs where flags.isSet(flag) && version < least {
            throw EngineError(
                .unsupported,
                "\"\(name)\" requires API version \(least), but the Docker daemon API version is \(version)")
        }
    }

    /// The request for a version of the API.
    func request(version: APIVersion, detached: Bool) throws(EngineError) -> EngineRequest {
        try checkFlags(version)
        var body = config
        if detached {
            for key in ["AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"] { body[key] = false }
        }
        var host = host
        host["ConsoleSize"] = [.integer(Int64(consoleSize.rows)), .integer(Int64(consoleSize.columns))]
        if version < APIVersion(1, 42) { Self.removeNewerMounts(&host) }
        body["HostConfig"] = .object(host)
        body["NetworkingConfig"] = ["EndpointsConfig": .object(endpoints)]
        var query: [(name: String, value: String)] = []
        if !name.isEmpty { query.append(("name", name)) }
        if !platform.isEmpty, version >= APIVersion(1, 41) { query.append(("platform", platform)) }
        return EngineRequest(.post, "/containers/create", query: query, body: .object(body))
    }

    /// Options of mounts that older daemons do not know.
    private static func removeNewerMounts(_ host: inout JSONObject) {
        guard let mounts = host["Mounts"]?.arrayValue else { return }
        host["Mounts"] = .array(
            mounts.map { mount in
                guard var object = mount.objectValue, var bind = object["BindOptions"]?.objectValue else {
                    return mount
                }
                bind["CreateMountpoint"] = nil
                object["BindOptions"] = .object(bind)
                return .object(object)
            })
    }
}

extension JSONValue {
    /// A list of texts; null where it is empty, as Go writes a list that was never made.
    static func texts(_ list: [String]) -> JSONValue {
        list.isEmpty ? .null : .array(list.map(JSONValue.string))
    }

    /// A list of texts, `[]` where it is empty.
    static func list(_ list: [String]) -> JSONValue { .array(list.map(JSONValue.string)) }
}
