import GoTemplate
import JSONCodec

/// What `--publish` and `--expose` ask for.
struct PublishedPorts {
    private(set) var exposed = JSONObject()
    private(set) var bindings = JSONObject()

    /// - Throws: `CommandError` in Docker's words
    init(publish: [String], expose: [String]) throws(CommandError) {
        for text in publish { try add(publish: try Self.standardForm(text)) }
        for text in expose { try add(expose: text) }
    }

    private static func failure(_ message: String) -> CommandError { CommandError(.invalidArgument, message) }

    /// `published=8080,target=80,protocol=tcp` as `8080:80/tcp`.
    private static func standardForm(_ text: String) throws(CommandError) -> String {
        guard text.contains("=") else { return text }
        var values = ["protocol": "tcp"]
        for field in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let (key, value) = field.cut("="), !key.isEmpty else {
                throw failure("invalid publish opts format (should be name=value but got '\(field)')")
            }
            values[key] = value
        }
        return "\(values["published"] ?? ""):\(values["target"] ?? "")/\(values["protocol"] ?? "")"
    }

    // MARK: --publish

    private mutating func add(publish text: String) throws(CommandError) {
        let (host, hostPort, rest) = Self.split(text)
        let (container, transport) = Self.transport(of: rest)
        guard !container.isEmpty else { throw Self.failure("no port specified: \(text)<empty>") }
        var address = host
        if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        if !address.isEmpty, IPAddress(address) == nil { throw Self.failure("invalid IP address: \(host)") }
        guard let inside = Self.range(container) else {
            throw Self.failure("invalid containerPort: \(container)")
        }
        var outside: ClosedRange<Int>?
        if !hostPort.isEmpty {
            outside = Self.range(hostPort)
            if outside == nil { throw Self.failure("invalid hostPort: \(hostPort)") }
        }
        if let outside, outside.count != inside.count, inside.count != 1 {
            throw Self.failure(
                "invalid ranges specified for container and host Ports: \(container) and \(hostPort)")
        }
        guard ["tcp", "udp", "sctp"].contains(transport.lowercased()) else {
            throw Self.failure("invalid proto: \(transport)")
        }
        for (offset, port) in inside.enumerated() {
            var published = outside.map { "\($0.lowerBound + offset)" } ?? ""
            // One port of the container on any of a range of the host's: the daemon chooses.
            if inside.count == 1, let outside, outside.count > 1 {
                published = "\(outside.lowerBound)-\(outside.upperBound)"
            }
            bind("\(port)/\(transport.lowercased())", address, published)
        }
    }

    private mutating func bind(_ key: String, _ address: String, _ port: String) {
        exposed[key] = [:]
        let binding: JSONValue = ["HostIp": .string(address), "HostPort": .string(port)]
        bindings[key] = .array((bindings[key]?.arrayValue ?? []) + [binding])
    }

    /// Address, the host's port and the container's of `[[address:]hostPort:]port`.
    private static func split(_ text: String) -> (String, String, String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: return ("", "", parts[0])
        case 2: return ("", parts[0], parts[1])
        default:
            return (parts.dropLast(2).joined(separator: ":"), parts[parts.count - 2], parts[parts.count - 1])
        }
    }

    private static func transport(of text: String) -> (String, String) {
        guard let (port, transport) = text.cut("/"), !port.isEmpty else { return (text, "tcp") }
        return (port, transport.isEmpty ? "tcp" : transport)
    }

    private static func range(_ text: String) -> ClosedRange<Int>? {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts.compactMap { UInt16($0).map(Int.init) }
        guard numbers.count == parts.count, let first = numbers.first, let last = numbers.last, first <= last
        else {
            return nil
        }
        return first...last
    }

    // MARK: --expose

    private mutating func add(expose text: String) throws(CommandError) {
        if text.contains(":") { throw Self.failure("invalid port format for --expose: \(text)") }
        let (port, transport) = Self.transport(of: text)
        guard let range = Self.range(port) else {
            let part = port.split(separator: "-").first { UInt16($0) == nil } ?? ""
            let isNumber = !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
            throw Self.failure(
                "invalid range format for --expose: \(port), error: "
                    + "strconv.ParseUint: parsing \(GoPrinter.quoted(String(part))): "
                    + (isNumber ? "value out of range" : "invalid syntax"))
        }
        for port in range { exposed["\(port)/\(transport.lowercased())"] = [:] }
    }
}
