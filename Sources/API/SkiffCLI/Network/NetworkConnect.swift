import EngineClient
import JSONCodec

/// `network connect`
enum NetworkConnect {
    private static let alias = Flag("alias", .stringSlice, "Further name of the container in the network")
    private static let driverOption = Flag("driver-opt", .stringSlice, "Option of the network's driver")
    private static let priority = Flag(
        "gw-priority", .int64, "The network with the highest number gives the default gateway")
    private static let ip = Flag("ip", .string, "IPv4 address (such as 172.30.100.104)")
    private static let ip6 = Flag("ip6", .string, "IPv6 address (such as 2001:db8::33)")
    private static let link = Flag("link", .list, "Link to another container", check: FlagCheck.link)
    private static let linkLocal = Flag(
        "link-local-ip", .stringSlice, "Link-local address of the container")

    static func command() -> Command {
        Command(
            paths: ["network connect"], usage: "[OPTIONS] NETWORK CONTAINER",
            summary: "Connect a container to a network",
            flags: [alias, driverOption, priority, ip, ip6, link, linkLocal], arguments: .exactly(2)
        ) { invocation in
            let settings = try endpoint(invocation)
            let (request, container) = try NetworkMembership.request(invocation, "connect")
            try invocation.client.perform(
                request.with(body: ["Container": container, "EndpointConfig": .object(settings)]))
            return 0
        }
    }

    /// As Docker's client writes it: what is empty is an empty object or list here, not null.
    private static func endpoint(_ invocation: Invocation) throws(CommandError) -> JSONObject {
        var option = NetworkOption(name: invocation.arguments[0])
        option.aliases = invocation.list(alias)
        option.links = invocation.list(link)
        option.ipv4 = invocation.string(ip)
        option.ipv6 = invocation.string(ip6)
        option.linkLocal = invocation.list(linkLocal)
        option.gatewayPriority = invocation.int(priority)
        for text in invocation.list(driverOption) {
            guard let (name, value) = text.cut("="), !name.isEmpty else {
                throw CommandError(
                    .invalidArgument, "invalid key/value pair format in driver options")
            }
            option.driverOptions[name.trimmed] = .string(value.trimmed)
        }
        var settings = option.settings
        if option.aliases.isEmpty { settings["Aliases"] = [] }
        for key in ["IPAMConfig", "DriverOpts"] where settings[key]?.isNull == true { settings[key] = [:] }
        return settings
    }
}

/// `network disconnect`
enum NetworkDisconnect {
    private static let force = Flag("force", "f", .bool, "Disconnect whatever state the container is in")

    static func command() -> Command {
        Command(
            paths: ["network disconnect"], usage: "[OPTIONS] NETWORK CONTAINER",
            summary: "Disconnect a container from a network", flags: [force], arguments: .exactly(2)
        ) { invocation in
            let (request, container) = try NetworkMembership.request(invocation, "disconnect")
            try invocation.client.perform(
                request.with(body: ["Container": container, "Force": .bool(invocation.bool(force))]))
            return 0
        }
    }
}

/// What `connect` and `disconnect` share: a network, then a container.
private enum NetworkMembership {
    static func request(
        _ invocation: Invocation, _ operation: String
    ) throws(CommandError) -> (EngineRequest, container: JSONValue) {
        let request = try EngineRequest.network(.post, invocation.arguments[0], operation)
        let container = invocation.arguments[1].trimmed
        guard !container.isEmpty else {
            throw CommandError(.invalidArgument, "invalid container name or ID: value is empty")
        }
        return (request, .string(container))
    }
}

extension EngineRequest {
    fileprivate func with(body: JSONValue) -> EngineRequest {
        var request = self
        request.body = body
        return request
    }
}
