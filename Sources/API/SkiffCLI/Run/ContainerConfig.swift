import JSONCodec

/// The part of a create request that describes the container's process: the API's `Config`.
struct ContainerConfig {
    private let flags: FlagValues
    private let arguments: [String]
    private let volumes: VolumeFlags
    private let ports: PublishedPorts

    init(_ flags: FlagValues, _ arguments: [String], _ volumes: VolumeFlags, _ ports: PublishedPorts) {
        self.flags = flags
        self.arguments = arguments
        self.volumes = volumes
        self.ports = ports
    }

    func json(attached: (input: Bool, output: Bool, errors: Bool)) throws(CommandError) -> JSONObject {
        var config = JSONObject()
        let isOpen = flags.bool(RunFlags.interactive)
        config["Hostname"] = .string(flags.string(RunFlags.hostname))
        config["Domainname"] = .string(flags.string(RunFlags.domainname))
        config["User"] = .string(flags.string(RunFlags.user))
        config["AttachStdin"] = .bool(attached.input)
        config["AttachStdout"] = .bool(attached.output)
        config["AttachStderr"] = .bool(attached.errors)
        if !ports.exposed.isEmpty { config["ExposedPorts"] = .object(ports.exposed) }
        config["Tty"] = .bool(flags.bool(RunFlags.tty))
        config["OpenStdin"] = .bool(isOpen)
        config["StdinOnce"] = .bool(isOpen && attached.input)
        config["Env"] = .texts(
            try ListedFile.environment(
                files: flags.list(RunFlags.envFile), variables: flags.list(RunFlags.env)))
        config["Cmd"] = .texts(Array(arguments.dropFirst()))
        if let check = try healthcheck() { config["Healthcheck"] = check }
        config["Image"] = .string(arguments[0])
        config["Volumes"] = .object(volumes.anonymous)
        config["WorkingDir"] = .string(flags.string(RunFlags.workdir))
        let entrypoint = flags.string(RunFlags.entrypoint)
        config["Entrypoint"] = flags.isSet(RunFlags.entrypoint) ? .list([entrypoint]) : .null
        config["OnBuild"] = .null
        config["Labels"] = try labels()
        let signal = flags.string(RunFlags.stopSignal)
        if !signal.isEmpty { config["StopSignal"] = .string(signal) }
        if flags.isSet(RunFlags.stopTimeout) {
            config["StopTimeout"] = .integer(flags.int(RunFlags.stopTimeout))
        }
        return config
    }

    private func labels() throws(CommandError) -> JSONValue {
        var labels = JSONObject()
        let pairs = try ListedFile.labels(
            files: flags.list(RunFlags.labelFile), labels: flags.list(RunFlags.label))
        for (name, value) in pairs { labels[name] = .string(value) }
        return .object(labels)
    }

    private func healthcheck() throws(CommandError) -> JSONValue? {
        let command = flags.string(ResourceFlags.healthCommand)
        let retries = flags.int(ResourceFlags.healthRetries)
        let durations: [(Flag, String)] = [
            (ResourceFlags.healthInterval, "Interval"), (ResourceFlags.healthTimeout, "Timeout"),
            (ResourceFlags.healthStartPeriod, "StartPeriod"),
            (ResourceFlags.healthStartInterval, "StartInterval"),
        ]
        let isSet = !command.isEmpty || retries != 0 || durations.contains { flags.duration($0.0) != 0 }
        if flags.bool(ResourceFlags.noHealthcheck) {
            guard !isSet else {
                throw CommandError(.invalidArgument, "--no-healthcheck conflicts with --health-* options")
            }
            return ["Test": ["NONE"]]
        }
        guard isSet else { return nil }
        var check = JSONObject()
        if !command.isEmpty { check["Test"] = .list(["CMD-SHELL", command]) }
        for (flag, key) in durations {
            let value = flags.duration(flag)
            if value < 0 { throw CommandError(.invalidArgument, "--\(flag.name) cannot be negative") }
            if value != 0 { check[key] = .integer(value) }
        }
        if retries < 0 { throw CommandError(.invalidArgument, "--health-retries cannot be negative") }
        if retries != 0 { check["Retries"] = .integer(retries) }
        return .object(check)
    }
}
