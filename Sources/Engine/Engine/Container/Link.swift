import Networking

/// A container that another one is linked to (`--link` on the default bridge).
struct Link: Sendable {
    /// The line of `/etc/hosts`; nil where the other has no address.
    let entry: NameConfiguration.Link?
    /// Docker's variables about the other: `DB_PORT_5432_TCP=tcp://172.17.0.2:5432`, …
    let environment: [String]

    /// - Parameter owner: the name of the container that has the links
    /// - Throws: where a container does not exist or does not run
    static func resolve(
        _ texts: [String], of owner: String, in registry: ContainerRegistry
    ) throws(EngineError) -> [Link] {
        var links: [Link] = []
        for text in texts {
            let parts = try split(text)
            let container = try registry.find(parts.name)
            let path = "/\(owner)/\(parts.alias)"
            let progress = container.progress
            guard progress.state.isRunning else {
                throw EngineError(
                    .wrongState,
                    "Cannot link to a non running container: /\(container.name) AS \(path)")
            }
            let address = progress.endpoints.first?.ipv4?.address
            let names = [parts.alias, container.spec.network.hostname, container.name]
            links.append(
                Link(
                    entry: address.map { NameConfiguration.Link(address: .v4($0), names: names) },
                    environment: variables(parts.alias, path, container, address.map { "\($0)" } ?? "")))
        }
        return links
    }

    /// `container` or `container:alias`, either with a slash.
    static func split(_ text: String) throws(EngineError) -> (name: String, alias: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { part in
            part.split(separator: "/").last.map(String.init) ?? ""
        }
        guard (1...2).contains(parts.count), !parts.contains("") else {
            throw .invalid("bad format for links: \(text)")
        }
        return (parts[0], parts[parts.count - 1])
    }

    private static func variables(
        _ alias: String, _ path: String, _ container: Container, _ address: String
    ) -> [String] {
        let prefix = alias.uppercased().replacing("-", with: "_")
        var result: [String] = []
        let ports = container.spec.exposedPorts.sorted()
        if let first = ports.first {
            result.append("\(prefix)_PORT=\(first.transport.rawValue)://\(address):\(first.number)")
        }
        for port in ports {
            let transport = port.transport.rawValue
            let name = "\(prefix)_PORT_\(port.number)_\(transport.uppercased())"
            result.append("\(name)=\(transport)://\(address):\(port.number)")
            result.append("\(name)_ADDR=\(address)")
            result.append("\(name)_PORT=\(port.number)")
            result.append("\(name)_PROTO=\(transport)")
        }
        result.append("\(prefix)_NAME=\(path)")
        for variable in container.spec.process.environment {
            let name = ContainerSpec.variableName(variable)
            if name == "HOME" || name == "PATH" || !variable.contains("=") { continue }
            result.append("\(prefix)_ENV_\(variable)")
        }
        return result
    }
}
