import JSONCodec

/// The published ports of a container in one line; neighbouring ports that map to themselves become a range.
enum PortText {
    private struct Port {
        let inside: Int
        let outside: Int
        let address: String
        let transport: String
    }

    private struct Group {
        let address: String
        let transport: String
        var first: Int
        var last: Int

        var text: String {
            let range = first == last ? "\(first)" : "\(first)-\(last)"
            if address.isEmpty { return "\(range)/\(transport)" }
            return "\(joined(address, range))->\(range)/\(transport)"
        }
    }

    static func text(_ ports: [JSONValue]) -> String {
        let sorted = ports.map(port).sorted { a, b in
            (a.inside, a.address, a.outside, a.transport) < (b.inside, b.address, b.outside, b.transport)
        }
        var groups: [Group] = []
        var finished: [String] = []
        var mapped: [String] = []
        for port in sorted {
            if !port.address.isEmpty, port.outside != port.inside {
                mapped.append("\(joined(port.address, "\(port.outside)"))->\(port.inside)/\(port.transport)")
                continue
            }
            let place = groups.firstIndex { $0.address == port.address && $0.transport == port.transport }
            guard let place else {
                groups.append(
                    Group(
                        address: port.address, transport: port.transport, first: port.inside,
                        last: port.inside))
                continue
            }
            if groups[place].last + 1 == port.inside {
                groups[place].last = port.inside
            } else {
                finished.append(groups[place].text)
                groups[place].first = port.inside
                groups[place].last = port.inside
            }
        }
        return (finished + groups.map(\.text) + mapped).joined(separator: ", ")
    }

    private static func port(_ value: JSONValue) -> Port {
        Port(
            inside: Int(value["PrivatePort"]?.integerValue ?? 0),
            outside: Int(value["PublicPort"]?.integerValue ?? 0),
            address: value["IP"]?.stringValue ?? "", transport: value["Type"]?.stringValue ?? "")
    }

    private static func joined(_ address: String, _ port: String) -> String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}
