import HTTPTransport
import DockerAPI
import Engine
import NIOCore

/// `_ping` and `version`.
struct SystemRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.systemPing, ping), Endpoint(.systemPingHead, ping), Endpoint(.systemVersion, version),
        ]
    }

    @Sendable private func ping(_ request: Request, _ reply: Reply) async throws {
        try await reply.send(
            Response(
                status: 200,
                fields: [
                    ("Builder-Version", "1"), ("Swarm", "inactive"),
                    ("Cache-Control", "no-cache, no-store, must-revalidate"),
                    ("Pragma", "no-cache"), ("Content-Type", "text/plain; charset=utf-8"),
                ], body: request.operation == .systemPing ? ByteBuffer(string: "OK") : ByteBuffer()))
    }

    @Sendable private func version(_ request: Request, _ reply: Reply) async throws {
        let own = engine.system.version()
        let time = own.buildTime
        var answer = VersionResponse()
        answer.platform.name = "Skiff \(own.engine)"
        answer.components = [
            component(
                "Engine", own.engine,
                [
                    "ApiVersion": APIVersion.current.description, "Arch": own.architecture, "BuildTime": time,
                    "Experimental": own.experimental ? "true" : "false", "GitCommit": own.gitCommit,
                    "GoVersion": "",
                    "KernelVersion": own.kernel, "MinAPIVersion": APIVersion.minimum.description,
                    "Os": own.operatingSystem,
                ]),
            component("containerd", own.engine, ["GitCommit": own.gitCommit]),
            component("runc", own.engine, ["GitCommit": own.gitCommit]),
            component("docker-init", own.engine, ["GitCommit": own.gitCommit]),
        ]
        answer.version = own.engine
        answer.apiVersion = APIVersion.current.description
        answer.minAPIVersion = APIVersion.minimum.description
        answer.gitCommit = own.gitCommit
        answer.os = own.operatingSystem
        answer.arch = own.architecture
        answer.kernelVersion = own.kernel
        answer.experimental = own.experimental
        answer.buildTime = time
        try await reply.json(answer)
    }

    private func component(_ name: String, _ version: String, _ details: [String: String]) -> VersionComponent
    {
        var component = VersionComponent()
        component.name = name
        component.version = version
        component.details = details
        return component
    }
}
