import DockerAPI
import EngineClient
import JSONCodec

/// `network create`
enum NetworkCreate {
    private static let attachable = Flag("attachable", .bool, "Let containers be attached by hand")
    private static let auxAddress = Flag(
        "aux-address", .map, "Address that no container gets, with a name (router=10.0.0.5)")
    private static let configFrom = Flag("config-from", .string, "Take the configuration of this network")
    private static let configOnly = Flag("config-only", .bool, "Keep a configuration, make no network")
    private static let driver = Flag("driver", "d", .string, "Driver of the network", initial: "bridge")
    private static let gateway = Flag("gateway", .stringSlice, "Address of the gateway in a subnet")
    private static let ingress = Flag("ingress", .bool, "Make the routing mesh's network")
    private static let isInternal = Flag(
        "internal", .bool, "Nothing outside reaches it, and it reaches nothing")
    private static let ipRange = Flag(
        "ip-range", .stringSlice, "Part of a subnet that containers get addresses of")
    private static let ipamDriver = Flag(
        "ipam-driver", .string, "Driver that manages the addresses", initial: "default")
    private static let ipamOption = Flag("ipam-opt", .map, "Option of the driver that manages the addresses")
    private static let ipv4 = Flag("ipv4", .bool, "Give containers IPv4 addresses", initial: "true")
    private static let ipv6 = Flag("ipv6", .bool, "Give containers IPv6 addresses")
    private static let label = Flag("label", .list, "Set a label", check: FlagCheck.label)
    private static let option = Flag("opt", "o", .map, "Option of the driver")
    private static let scope = Flag("scope", .string, "Where the network is known")
    private static let subnet = Flag("subnet", .stringSlice, "Subnet of the network (such as 10.10.0.0/24)")

    static func command() -> Command {
        Command(
            paths: ["network create"], usage: "[OPTIONS] NETWORK", summary: "Create a network",
            flags: [
                attachable, auxAddress, configFrom, configOnly, driver, gateway, ingress, isInternal, ipRange,
                ipamDriver, ipamOption, ipv4, ipv6, label, option, scope, subnet,
            ], arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let body = try body(invocation)
        let response = try invocation.client.send { version throws(EngineError) in
            var sent = body
            // Older daemons make a second network of the same name unless they are told not to.
            if version < APIVersion(1, 44) { sent["CheckDuplicate"] = true }
            return EngineRequest(.post, "/networks/create", body: .object(sent))
        }
        let answer = try response.readJSON()
        invocation.session.output.line(answer["Id"]?.stringValue ?? "")
        return 0
    }

    private static func body(_ invocation: Invocation) throws(CommandError) -> JSONObject {
        let pools = try AddressPools(
            subnets: invocation.list(subnet), ranges: invocation.list(ipRange),
            gateways: invocation.list(gateway), auxiliary: invocation.list(auxAddress))
        var object = JSONObject()
        object["Driver"] = .string(invocation.string(driver))
        object["Scope"] = .string(invocation.string(scope))
        // What was not said is the daemon's to decide: it may have defaults of its own.
        if invocation.isSet(ipv4) { object["EnableIPv4"] = .bool(invocation.bool(ipv4)) }
        if invocation.isSet(ipv6) { object["EnableIPv6"] = .bool(invocation.bool(ipv6)) }
        object["IPAM"] = [
            "Driver": .string(invocation.string(ipamDriver)),
            "Options": .keyValues(invocation.list(ipamOption)),
            "Config": pools.json,
        ]
        object["Internal"] = .bool(invocation.bool(isInternal))
        object["Attachable"] = .bool(invocation.bool(attachable))
        object["Ingress"] = .bool(invocation.bool(ingress))
        object["ConfigOnly"] = .bool(invocation.bool(configOnly))
        let source = invocation.string(configFrom)
        object["ConfigFrom"] = source.isEmpty ? JSONValue.null : ["Network": .string(source)]
        object["Options"] = .keyValues(invocation.list(option))
        object["Labels"] = .keyValues(invocation.list(label))
        object["Name"] = .string(invocation.arguments[0])
        return object
    }
}

extension JSONValue {
    /// `key=value` texts as an object; a text without `=` is a key without value.
    static func keyValues(_ texts: [String]) -> JSONValue {
        var object = JSONObject()
        for text in texts {
            let (key, value) = text.cut("=") ?? (text, "")
            object[key] = .string(value)
        }
        return .object(object)
    }
}
