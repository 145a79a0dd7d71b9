import DockerAPIServer
import Engine
import Logging

let logger = Logger(label: "skiffd")
let engine = try await Engine.open(configuration: EngineConfiguration(), logger: logger)
let server = DockerAPIServer(engine: engine, logger: logger)
for host in CommandLine.arguments.dropFirst() { try await server.listen(on: ListenAddress(host)) }
try await Task.sleep(for: .seconds(3600))
