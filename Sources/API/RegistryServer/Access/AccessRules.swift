package import JSONCodec

/// Who may do what: a list of rules, and what none of them allows is denied. Without rules every user may do everything,
/// and nobody else anything.
package struct AccessRules: Sendable, Equatable {
    package struct Rule: Sendable, Equatable {
        /// Names; `*` for every user with a password, `anonymous` for those without.
        package var users: [String]
        /// Patterns of names: `*` for anything within a component, `**` for anything.
        package var repositories: [String]
        package var actions: Set<String>
    }

    package var rules: [Rule]?

    package init(rules: [Rule]? = nil) { self.rules = rules }

    func grants(to user: String?) -> Grants {
        guard let rules else {
            let isKnown = user != nil
            return Grants(user: user, allowsCatalog: isKnown) { _, _ in isKnown }
        }
        let own = rules.filter { rule in
            user.map { rule.users.contains($0) || rule.users.contains("*") }
                ?? rule.users.contains("anonymous")
        }
        let seesAll = own.contains { $0.actions.contains("catalog") || $0.actions.contains("*") }
        return Grants(user: user, allowsCatalog: seesAll) { action, repository in
            own.contains { rule in
                (rule.actions.contains("*") || rule.actions.contains(action.rawValue))
                    && rule.repositories.contains {
                        Self.matches(Array($0.utf8)[...], Array(repository.description.utf8)[...])
                    }
            }
        }
    }

    static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        let star = UInt8(ascii: "*")
        guard let first = pattern.first else { return name.isEmpty }
        guard first == star else {
            return name.first == first && matches(pattern.dropFirst(), name.dropFirst())
        }
        let crosses = pattern.dropFirst().first == star
        let rest = pattern.dropFirst(crosses ? 2 : 1)
        var tail = name
        while true {
            if matches(rest, tail) { return true }
            guard let byte = tail.first, crosses || byte != UInt8(ascii: "/") else { return false }
            tail = tail.dropFirst()
        }
    }

    /// - Parameter value: `[{"users": […], "repositories": […], "actions": ["pull", "push", "delete", "catalog", "*"]}]`
    package init(_ value: JSONValue) throws(RegistryError) {
        let known = Set(AccessAction.allCases.map(\.rawValue) + ["catalog", "*"])
        guard let list = value.arrayValue else { throw Self.invalid("expected a list of rules") }
        var rules: [Rule] = []
        for item in list {
            let rule = Rule(
                users: try Self.strings(item, "users"), repositories: try Self.strings(item, "repositories"),
                actions: Set(try Self.strings(item, "actions")))
            if let other = rule.actions.subtracting(known).min() {
                throw Self.invalid("unknown action \"\(other)\"")
            }
            guard rule.repositories.allSatisfy({ $0.filter { $0 == "*" }.count <= 8 }) else {
                throw Self.invalid("a pattern has more than 8 stars")
            }
            rules.append(rule)
        }
        self.rules = rules
    }

    private static func strings(_ rule: JSONValue, _ member: String) throws(RegistryError) -> [String] {
        let found = rule[member]?.arrayValue?.compactMap(\.stringValue) ?? []
        guard !found.isEmpty, found.count == rule[member]?.arrayValue?.count else {
            throw invalid("every rule needs \"\(member)\", a list of strings")
        }
        return found
    }

    private static func invalid(_ reason: String) -> RegistryError {
        RegistryError(.configurationInvalid, "access rules: \(reason)")
    }
}
