/// What one container sees of the names.
package struct NameView: Sendable, Hashable {
    /// Ids of its networks; the first that knows a name decides.
    package var networks: [String]
    /// Names of this container only, each with the name that it stands for; both folded.
    package var links: [DomainName: DomainName]
    /// Whether names that are not known here are asked for elsewhere.
    package var isForwarding: Bool

    /// Links that are no names are left out.
    package init(networks: [String], links: [String: String], isForwarding: Bool) {
        self.networks = networks
        self.isForwarding = isForwarding
        self.links = [:]
        for (alias, target) in links {
            guard let alias = DomainName(alias)?.folded, let target = DomainName(target)?.folded else {
                continue
            }
            self.links[alias] = target
        }
    }
}

/// What is done with a message from a container.
package enum Response: Sendable {
    case answer([UInt8])
    case forward(Query)
    case none
}

extension NameTable {
    /// Decides what becomes of a message.
    package mutating func respond(to message: [UInt8], _ view: NameView, isStream: Bool) -> Response {
        switch Query.read(message) {
        case .noQuery:
            return .none
        case .rejected(let header, let code):
            return .answer(Answer.make(to: header, code: code))
        case .query(let query):
            if let version = query.edns?.version, version != 0 {
                return .answer(Answer.make(to: query, code: .badVersion, isStream: isStream))
            }
            if let records = records(query, view) {
                return .answer(Answer.make(to: query, records, isStream: isStream))
            }
            guard view.isForwarding else {
                return .answer(Answer.make(to: query, code: .serverFailure, isStream: isStream))
            }
            return .forward(query)
        }
    }
}
