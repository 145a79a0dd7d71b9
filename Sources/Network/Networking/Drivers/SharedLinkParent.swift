/// The interface of the host that a macvlan or ipvlan network is on.
enum SharedLinkParent: Sendable, Hashable {
    case existing(String)
    /// `eth0.50`: an interface of that name, else VLAN 50 of `eth0`.
    case vlan(name: String, lower: String, identifier: UInt16)
    /// Made for a network that was given none, whose containers reach only each other.
    case standIn(String)

    static let option = "parent"

    var name: String {
        switch self {
        case .existing(let name), .vlan(let name, _, _), .standIn(let name): name
        }
    }

    var isStandIn: Bool { if case .standIn = self { true } else { false } }

    /// Reads a network's option `parent`.
    /// - Parameter prefix: of the stand-in's name: `dm` for macvlan, `di` for ipvlan, as Docker calls them
    /// - Throws: `NetworkError` (`invalidRequest`)
    init(_ record: NetworkRecord, prefix: String) throws(NetworkError) {
        guard let name = record.options[Self.option], !name.isEmpty else {
            self = .standIn("\(prefix)-\(record.id.prefix(12))")
            return
        }
        guard name != "lo" else {
            throw NetworkError(
                .invalidRequest, "loopback interface is not a valid \(record.driver.rawValue) parent link")
        }
        guard name.utf8.count <= 15, !name.contains("/"), !name.contains(where: \.isWhitespace) else {
            throw NetworkError(.invalidRequest, "\"\(name)\" cannot be an interface's name")
        }
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else {
            self = .existing(name)
            return
        }
        let number = name[name.index(after: dot)...]
        // A name with a dot that is no VLAN's can only be that of an interface which exists.
        guard !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            self = .existing(name)
            return
        }
        guard let identifier = UInt16(number), (1...4094).contains(identifier) else {
            throw NetworkError(
                .invalidRequest, "vlan id must be between 1-4094, received: \(number)")
        }
        self = .vlan(name: name, lower: String(name[..<dot]), identifier: identifier)
    }
}
