import GoTemplate
import JSONCodec

/// The subnets of `network create`, each with what else was said about it.
struct AddressPools {
    private struct Pool {
        let subnet: String
        var range = ""
        var gateway = ""
        var auxiliary = JSONObject()
    }

    private var pools: [Pool] = []

    /// - Parameter auxiliary: texts as `name=address`
    /// - Throws: `CommandError` in Docker's words
    init(
        subnets: [String], ranges: [String], gateways: [String], auxiliary: [String]
    ) throws(CommandError) {
        guard ranges.count <= subnets.count, gateways.count <= subnets.count else {
            throw Self.failure("every ip-range or gateway must have a corresponding subnet")
        }
        for subnet in subnets {
            for pool in pools {
                let isInside = try Self.contains(pool.subnet, subnet)
                let isAround = try Self.contains(subnet, pool.subnet)
                if isInside || isAround {
                    throw Self.failure("multiple overlapping subnet configuration is not supported")
                }
            }
            pools.append(Pool(subnet: subnet))
        }
        for range in ranges { try add(range: range) }
        for gateway in gateways { try add(gateway: gateway) }
        for text in auxiliary {
            let (name, address) = text.cut("=") ?? (text, "")
            let index = try pool(for: address, "aux-address")
            pools[index].auxiliary[name] = .string(address)
        }
    }

    private mutating func add(range: String) throws(CommandError) {
        _ = try Self.block(range)
        let index = try pool(for: range, "range")
        guard pools[index].range.isEmpty else {
            throw Self.failure(
                "cannot configure multiple ranges (\(range), \(pools[index].range)) on the same subnet "
                    + "(\(pools[index].subnet))")
        }
        pools[index].range = range
    }

    private mutating func add(gateway: String) throws(CommandError) {
        let index = try pool(for: gateway, "gateway")
        guard pools[index].gateway.isEmpty else {
            throw Self.failure(
                "cannot configure multiple gateways (\(gateway), \(pools[index].gateway)) for the same subnet "
                    + "(\(pools[index].subnet))")
        }
        pools[index].gateway = gateway
    }

    /// The first pool whose subnet holds an address.
    private func pool(for address: String, _ what: String) throws(CommandError) -> Int {
        for (index, pool) in pools.enumerated() {
            let isInside = try Self.contains(pool.subnet, address)
            if isInside { return index }
        }
        throw Self.failure("no matching subnet for \(what) \(address)")
    }

    /// The API's `IPAM.Config`; members without a value are left out.
    var json: JSONValue {
        .array(
            pools.map { pool in
                var object = JSONObject()
                object["Subnet"] = .string(pool.subnet)
                if !pool.range.isEmpty { object["IPRange"] = .string(pool.range) }
                if !pool.gateway.isEmpty { object["Gateway"] = .string(pool.gateway) }
                if !pool.auxiliary.isEmpty { object["AuxiliaryAddresses"] = .object(pool.auxiliary) }
                return .object(object)
            })
    }

    // MARK: Addresses

    private static func failure(_ message: String) -> CommandError { CommandError(.invalidArgument, message) }

    /// Whether a subnet holds an address, which may have a prefix length of its own.
    private static func contains(_ subnet: String, _ text: String) throws(CommandError) -> Bool {
        let outer: (address: IPAddress, length: Int)
        do throws(CommandError) {
            outer = try block(subnet)
        } catch {
            throw failure("invalid subnet: \(error.message)")
        }
        let inner = text.contains("/") ? try block(text).address : IPAddress(text)
        guard let inner else { return false }
        return inner.shares(outer.length, with: outer.address)
    }

    private static func block(_ text: String) throws(CommandError) -> (address: IPAddress, length: Int) {
        guard let (base, digits) = text.cut("/"), let address = IPAddress(base),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(digits),
            length <= address.bytes.count * 8
        else { throw failure("invalid CIDR address: \(text)") }
        return (address, length)
    }
}
