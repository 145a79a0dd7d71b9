/// What may be done with a repository.
enum AccessAction: String, Sendable, Hashable, CaseIterable {
    case pull, push, delete
}

/// What somebody may do, as far as one request or token goes.
struct Grants: Sendable {
    /// Who it is; nil for nobody in particular.
    let user: String?
    private let decide: @Sendable (AccessAction, RepositoryName) -> Bool
    /// Whether the list of all repositories may be seen.
    let allowsCatalog: Bool

    init(
        user: String?, allowsCatalog: Bool, decide: @escaping @Sendable (AccessAction, RepositoryName) -> Bool
    ) {
        self.user = user
        self.allowsCatalog = allowsCatalog
        self.decide = decide
    }

    static let everything = Grants(user: nil, allowsCatalog: true) { _, _ in true }

    func allows(_ action: AccessAction, _ repository: RepositoryName) -> Bool { decide(action, repository) }
}

/// What a request needs.
struct AccessNeed: Sendable {
    enum Object: Sendable {
        /// Any valid credentials will do.
        case registry
        case catalog
        case repository(RepositoryName)
    }

    var object: Object
    var actions: [AccessAction]

    /// In the form of the token protocol: `repository:team/app:pull,push`.
    var scope: String? {
        switch object {
        case .registry: nil
        case .catalog: "registry:catalog:*"
        case .repository(let name): "repository:\(name):\(actions.map(\.rawValue).joined(separator: ","))"
        }
    }

    func isMet(by grants: Grants) -> Bool {
        switch object {
        case .registry: true
        case .catalog: grants.allowsCatalog
        case .repository(let name): actions.allSatisfy { grants.allows($0, name) }
        }
    }
}
