import HTTPTransport
import DockerAPI
import Engine

extension ContainerConfig {
    /// A container's `Config` as `inspect` shows it.
    init(_ spec: ContainerSpec) {
        self.init()
        hostname = spec.network.hostname
        domainname = spec.network.domainname
        user = spec.process.user
        attachStdin = spec.streams.attachStandardInput
        attachStdout = spec.streams.attachStandardOutput
        attachStderr = spec.streams.attachStandardError
        if !spec.exposedPorts.isEmpty { exposedPorts = EmptyObject.set(spec.exposedPorts.map(\.text)) }
        tty = spec.process.terminal
        openStdin = spec.streams.standardInput != .closed
        stdinOnce = spec.streams.standardInput == .once
        env = spec.process.environment
        cmd = spec.process.command.flatMap { $0.isEmpty ? nil : CommandLine($0) }
        healthcheck = spec.healthcheck.map(HealthConfig.init)
        image = spec.image
        volumes = spec.anonymousVolumes.isEmpty ? nil : EmptyObject.set(spec.anonymousVolumes)
        workingDir = spec.process.workingDirectory
        entrypoint = spec.process.entrypoint.flatMap { $0.isEmpty ? nil : CommandLine($0) }
        networkDisabled = spec.network.isDisabled
        macAddress = spec.network.macAddress
        onBuild = spec.onBuild.isEmpty ? nil : spec.onBuild
        labels = spec.labels
        stopSignal = spec.stopSignal
        stopTimeout = spec.stopTimeout
        shell = spec.shell.isEmpty ? nil : spec.shell
    }
}

extension EmptyObject {
    static func set(_ keys: [String]) -> [String: EmptyObject] {
        Dictionary(keys.map { ($0, EmptyObject()) }, uniquingKeysWith: { first, _ in first })
    }
}

extension HealthConfig {
    init(_ healthcheck: Healthcheck) {
        self.init()
        test = healthcheck.test
        interval = healthcheck.interval
        timeout = healthcheck.timeout
        startPeriod = healthcheck.startPeriod
        startInterval = healthcheck.startInterval
        retries = healthcheck.retries
    }
}
