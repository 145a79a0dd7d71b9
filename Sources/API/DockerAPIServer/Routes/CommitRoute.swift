import DockerAPI
import Engine
import HTTPTransport
import JSONCodec
import NIOCore
import OCIModel

/// `POST /commit`: an image of a container.
struct CommitRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.imageCommit, commit)] }

    @Sendable private func commit(_ request: Request, _ reply: Reply) async throws {
        let query = request.query
        guard let container = query["container"], !container.isEmpty else {
            throw APIError.badRequest("no container was given (container)")
        }
        var options = CommitOptions()
        (options.repository, options.tag) = (query["repo"] ?? "", query["tag"] ?? "")
        (options.comment, options.author) = (query["comment"] ?? "", query["author"] ?? "")
        options.changes = query.all("changes")
        options.pauses = query["pause"]?.isEmpty == false ? query.flag("pause") : true
        if case .collected(let body) = request.body, body.readableBytes > 0 {
            let value: JSONValue = try request.json()
            if value.objectValue != nil {
                options.defaults = try ImageDefaults(try value.decode(ContainerConfig.self))
            }
        }
        let id = try await engine.containers.commit(container, options)
        var answer = ImageCommitResponse()
        answer.id = id.description
        try await reply.json(answer, status: 201)
    }
}

extension ImageDefaults {
    /// What a client says about the image in place of the container.
    init(_ config: ContainerConfig) throws {
        self.init()
        user = config.user
        for text in (config.exposedPorts ?? [:]).keys.sorted() {
            exposedPorts.append(try ContainerSpec.containerPort(text).text)
        }
        environment = config.env ?? []
        entrypoint = config.entrypoint.flatMap { $0.arguments.isEmpty ? nil : $0.arguments }
        command = config.cmd.flatMap { $0.arguments.isEmpty ? nil : $0.arguments }
        volumes = (config.volumes ?? [:]).keys.sorted()
        workingDirectory = config.workingDir
        labels = config.labels ?? [:]
        stopSignal = config.stopSignal.isEmpty ? nil : config.stopSignal
        stopTimeout = config.stopTimeout
        onBuild = config.onBuild ?? []
        shell = config.shell
        guard let check = config.healthcheck else { return }
        var healthcheck = Healthcheck(test: check.test)
        (healthcheck.interval, healthcheck.timeout) = (check.interval, check.timeout)
        (healthcheck.startPeriod, healthcheck.startInterval) = (check.startPeriod, check.startInterval)
        healthcheck.retries = check.retries
        self.healthcheck = healthcheck
    }
}
