import Networking

/// A container that another one is linked to (`--link` on the default bridge).
struct Link: Sendable {
    /// The line of `/etc/hosts`; nil where the other has no address.
    let entry: NameConfiguration.Link?
    /// Docker's variables about the other: `DB_PORT_5432_TCP=tcp://172.17.0.2:5432`, …
    let environment: [String]

    /// - Throws: where a container does not run
    static func resolve(of owner: Container) throws(EngineError) -> [Link] {
        var links: [Link] = []
        for (container, alias) in owner.links {
            let path = "/\(owner.name)/\(alias)"
            let progress = container.progress
            guard progress.state.isRunning else {
                throw EngineError(
                    .wrongState,
                    "Cannot link to a non running container: /\(container.name) AS \(path)")
            }
            let address = progress.endpoints.first?.ipv4?.address
            links.append(
                Link(
                    entry: address.map {
                        NameConfiguration.Link(address: .v4($0), names: names(of: container, alias: alias))
                    },
                    environment: variables(alias, path, container, address.map { "\($0)" } ?? "")))
        }
        return links
    }

    /// As the line of `/etc/hosts` has them.
    static func names(of container: Container, alias: String) -> [String] {
        [alias, container.spec.network.hostname, container.name]
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

    /// The container that a link leads to: of those that share a network, the one that has it.
    /// - Throws: `.noSuchContainer`; `.invalidParameter` where it has none of its own
    static func target(_ reference: String, in registry: ContainerRegistry) throws(EngineError) -> Container {
        var container = try registry.find(reference)
        while case .container(let other) = container.spec.network.mode {
            container = try registry.find(other)
        }
        guard container.spec.network.mode != .host else {
            throw .invalid(
                "conflicting options: host type networking can't be used with links. This would result in "
                    + "undefined behavior")
        }
        return container
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
