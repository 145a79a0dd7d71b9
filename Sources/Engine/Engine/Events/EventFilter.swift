import OCIModel

/// Which events a subscriber wants.
struct EventFilter: Sendable {
    private static let known: Set<String> = [
        "config", "container", "daemon", "event", "image", "label", "network", "node", "plugin", "scope",
        "secret",
        "service", "type", "volume",
    ]
    /// Actions that carry details behind a colon, and are asked for without.
    private static let detailed: Set<String> = [
        "health_status", "exec_create", "exec_start", "exec_detach", "exec_die",
    ]

    private let filters: Filters
    private let until: Timestamp?

    init(_ filters: Filters, until: Timestamp?) throws(EngineError) {
        try filters.require(keys: Self.known)
        self.filters = filters
        self.until = until
    }

    func matches(_ event: EngineEvent) -> Bool {
        if let until, event.time > until { return false }
        return filters.matches("event") { matchesAction($0, event.action) }
            && filters.matches("type") { $0 == event.kind.rawValue }
            && filters.matches("scope") { $0 == "local" }
            && filters.matches("container") { event.kind == .container && matchesActor($0, event) }
            && filters.matches("volume") { event.kind == .volume && matchesActor($0, event) }
            && filters.matches("network") { event.kind == .network && matchesActor($0, event) }
            && filters.matches("daemon") { event.kind == .daemon && matchesActor($0, event) }
            && filters.matches("image") { matchesImage($0, event) }
            && filters.matchesLabels(event.attributes)
            && ["config", "node", "plugin", "secret", "service"].allSatisfy { filters[$0].isEmpty }
    }

    private func matchesAction(_ wanted: String, _ action: String) -> Bool {
        if wanted == action { return true }
        return Self.detailed.contains(wanted) && action.hasPrefix(wanted + ":")
    }

    private func matchesActor(_ wanted: String, _ event: EngineEvent) -> Bool {
        event.actorID.hasPrefix(wanted) || event.attributes["name"]?.hasPrefix(wanted) == true
    }

    private func matchesImage(_ wanted: String, _ event: EngineEvent) -> Bool {
        let name: String? =
            switch event.kind {
            case .image: event.attributes["name"] ?? event.actorID
            case .container: event.attributes["image"]
            default: nil
            }
        guard let name else { return false }
        if event.kind == .image, event.actorID == wanted { return true }
        return name == wanted || withoutTag(name) == wanted
    }

    private func withoutTag(_ name: String) -> String {
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return name }
        return String(name[..<colon])
    }
}
