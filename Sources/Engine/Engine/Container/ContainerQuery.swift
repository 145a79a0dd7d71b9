import ImageStore
import OCIModel

/// `ps`: which containers, in which order.
struct ContainerQuery {
    private static let known: Set<String> = [
        "ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label", "label!",
        "name",
        "network", "publish", "since", "status", "volume",
    ]
    private static let statuses: Set<String> = [
        "created", "dead", "exited", "paused", "removing", "restarting", "running",
    ]

    private static let healths: Set<String> = ["none", "starting", "healthy", "unhealthy"]

    private let options: ListOptions
    private let filters: Filters
    private var before: Timestamp?
    private var since: Timestamp?
    private var exitCodes: Set<Int32>?
    /// Ids of the images that `ancestor` names.
    private var ancestors: Set<String>?

    /// - Throws: `EngineError` in Docker's words for an unknown filter or value
    init(_ options: ListOptions, _ parts: EngineParts) throws {
        self.options = options
        filters = options.filters
        try filters.require(keys: Self.known)
        for status in filters["status"] where !Self.statuses.contains(status) {
            throw EngineError.invalid("invalid filter 'status=\(status)'")
        }
        for health in filters["health"] where !Self.healths.contains(health) {
            throw EngineError.invalid("Unrecognised filter value for health: \(health)")
        }
        if let reference = filters["before"].first {
            before = try parts.registry.find(reference).definition.created
        }
        if let reference = filters["since"].first {
            since = try parts.registry.find(reference).definition.created
        }
        if !filters["exited"].isEmpty {
            exitCodes = Set(
                try filters["exited"].map { text in
                    guard let code = Int32(text) else {
                        throw EngineError.invalid("invalid filter 'exited=\(text)'")
                    }
                    return code
                })
        }
        if !filters["ancestor"].isEmpty {
            ancestors = Set(filters["ancestor"].map { (try? parts.images.image($0).id.description) ?? $0 })
        }
    }

    func run(_ containers: [ContainerInspection]) -> [ContainerInspection] {
        let showsAll =
            options.all || options.limit > 0 || !filters["status"].isEmpty || exitCodes != nil
            || before != nil || since != nil
        let selected = containers.filter { container in
            (showsAll || container.state.isActive) && matches(container)
        }
        let ordered = selected.sorted { ($0.created, $0.id) > ($1.created, $1.id) }
        return options.limit > 0 ? Array(ordered.prefix(options.limit)) : ordered
    }

    private func matches(_ container: ContainerInspection) -> Bool {
        if let before, container.created >= before { return false }
        if let since, container.created <= since { return false }
        if let exitCodes {
            guard case .exited = container.state, exitCodes.contains(container.exitCode) else { return false }
        }
        if let ancestors, !ancestors.contains(container.imageID) { return false }
        return filters.matches("id") { container.id.hasPrefix($0) }
            && filters.matches("name") { wanted in
                ([container.name] + container.linkNames).contains { NamePattern.matches(wanted, $0) }
            }
            && filters.matches("status") { $0 == container.state.status }
            && filters.matches("health") { $0 == container.health?.status.rawValue ?? "none" }
            && filters.matches("is-task") { ["false", "0"].contains($0) }
            && filters.matches("volume") { wanted in
                container.mounts.contains {
                    $0.name == wanted || $0.destination == cleanPath(wanted) || $0.source == wanted
                }
            }
            && filters.matches("network") { wanted in
                container.network.endpoints.contains {
                    $0.networkName == wanted || $0.networkID.hasPrefix(wanted)
                }
            }
            && filters.matches("expose") { wanted in
                container.spec.exposedPorts.contains { matchesPort($0, wanted) }
            }
            && filters.matches("publish") { wanted in
                container.network.ports.contains { !$0.bindings.isEmpty && matchesPort($0.port, wanted) }
            }
            && filters.matchesLabels(container.spec.labels)
            && (filters["label!"].isEmpty || !filters.matchesLabels(container.spec.labels, key: "label!"))
    }

    /// `80`, `80/tcp`, `8000-8010/udp`.
    private func matchesPort(_ port: ContainerPort, _ wanted: String) -> Bool {
        let parts = wanted.split(separator: "/", maxSplits: 1)
        guard let range = parts.first.flatMap({ HostBinding(address: "", portText: String($0))?.ports })
        else {
            return false
        }
        return range.contains(port.number) && (parts.count < 2 || parts[1] == port.transport.rawValue)
    }
}

/// The `name` filter is a regular expression in Docker; anchors and plain text are what people use, everything else is
/// tried as an expression.
enum NamePattern {
    static func matches(_ pattern: String, _ name: String) -> Bool {
        let slashed = "/" + name
        if pattern.utf8.allSatisfy({ isPlain($0) }) { return slashed.contains(pattern) }
        guard let expression = try? Regex(pattern) else { return false }
        return slashed.contains(expression) || name.contains(expression)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}
