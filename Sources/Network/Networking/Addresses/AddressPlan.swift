import Synchronization

/// The addresses of one network: what its subnets hold, and who has what.
final class AddressPlan: Sendable {
    private struct Pool {
        var allocator: AddressAllocator
        var gateway: IPAddress?
        /// Whether containers may ask for an address of it.
        var isGiven: Bool
    }

    private let record: NetworkRecord
    private let pools: Mutex<[Pool]>

    /// - Parameter reserved: addresses that no container gets, beside the gateways and the auxiliary ones
    init(_ record: NetworkRecord, reserved: [IPAddress] = []) {
        self.record = record
        pools = Mutex(
            record.ipamConfigurations.map { configuration in
                let taken =
                    reserved + [configuration.gateway].compactMap { $0 } + configuration.auxiliary.values
                return Pool(
                    allocator: AddressAllocator(
                        subnet: configuration.subnet, range: configuration.ipRange, reserved: taken),
                    gateway: configuration.gateway, isGiven: configuration.isSubnetGiven)
            })
    }

    var hasIPv4: Bool { record.ipamConfigurations.contains { $0.subnet.address.isIPv4 } }
    var hasIPv6: Bool { record.ipamConfigurations.contains { !$0.subnet.address.isIPv4 } }

    /// Fills in the addresses of an endpoint and its MAC, which follows from the IPv4 address.
    func allocate(_ request: EndpointRequest, for endpoint: inout Endpoint) throws(NetworkError) {
        try check(request)
        if hasIPv4 {
            let found = try take(request.address.map(IPAddress.v4), isIPv4: true, mac: nil)
            if case .v4(let address) = found.address {
                endpoint.ipv4 = .init(
                    address: address, prefixLength: found.prefix, gateway: found.gateway?.v4)
            }
        }
        endpoint.macAddress =
            request.macAddress ?? endpoint.ipv4.map { MACAddress(of: $0.address) } ?? MACAddress.random()
        guard hasIPv6 else { return }
        do throws(NetworkError) {
            let found = try take(
                request.addressV6.map(IPAddress.v6), isIPv4: false, mac: endpoint.macAddress)
            if case .v6(let address) = found.address {
                endpoint.ipv6 = .init(
                    address: address, prefixLength: found.prefix, gateway: found.gateway?.v6)
            }
        } catch {
            release(endpoint)
            throw error
        }
    }

    private func check(_ request: EndpointRequest) throws(NetworkError) {
        if request.address != nil || request.addressV6 != nil, record.isPredefined {
            throw NetworkError(
                .invalidRequest, "user specified IP address is supported on user defined networks only")
        }
        if let wanted = request.address, !hasIPv4 {
            throw NetworkError(
                .invalidRequest,
                "network \(record.name) has no IPv4, so \(wanted) cannot be given to a container")
        }
        if let wanted = request.addressV6, !hasIPv6 {
            throw NetworkError(
                .invalidRequest,
                "network \(record.name) has no IPv6, so \(wanted) cannot be given to a container")
        }
    }

    private typealias Found = (address: IPAddress, prefix: Int, gateway: IPAddress?)

    private func take(_ wanted: IPAddress?, isIPv4: Bool, mac: MACAddress?) throws(NetworkError) -> Found {
        let outcome: Result<Found, NetworkError> = pools.withLock { pools in
            let candidates = pools.indices.filter { pools[$0].allocator.subnet.address.isIPv4 == isIPv4 }
            if let wanted { return claim(wanted, candidates, &pools) }
            for index in candidates {
                let taken = Self.derived(mac, &pools[index].allocator) ?? pools[index].allocator.allocate()
                if let taken { return .success(Self.found(taken, pools[index])) }
            }
            return .failure(exhausted(isIPv4: isIPv4))
        }
        return try outcome.get()
    }

    private static func found(_ address: IPAddress, _ pool: Pool) -> Found {
        (address, pool.allocator.subnet.prefixLength, pool.gateway)
    }

    private func claim(_ wanted: IPAddress, _ candidates: [Int], _ pools: inout [Pool]) -> Result<
        Found, NetworkError
    > {
        guard candidates.contains(where: { pools[$0].isGiven }) else {
            return .failure(
                NetworkError(
                    .invalidRequest,
                    "user specified IP address is supported only when connecting to networks with user "
                        + "configured subnets"))
        }
        guard let index = candidates.first(where: { pools[$0].allocator.subnet.contains(wanted) }) else {
            let subnets = candidates.map { "\(pools[$0].allocator.subnet)" }.joined(separator: ", ")
            return .failure(
                NetworkError(
                    .invalidRequest,
                    "invalid address \(wanted): it is not in the subnet \(subnets) of network \(record.name)")
            )
        }
        guard pools[index].allocator.claim(wanted) else {
            return .failure(NetworkError(.addressInUse, "Address already in use: \(wanted)"))
        }
        return .success(Self.found(wanted, pools[index]))
    }

    /// Where the subnet leaves 48 bits, the address ends in the MAC, as Docker's does.
    private static func derived(_ mac: MACAddress?, _ allocator: inout AddressAllocator) -> IPAddress? {
        guard let mac, allocator.range == allocator.subnet, allocator.subnet.prefixLength <= 80 else {
            return nil
        }
        let host = mac.bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        let address = IPAddress.v6(IPv6Address(allocator.subnet.first.number | host))
        return allocator.claim(address) ? address : nil
    }

    private func exhausted(isIPv4: Bool) -> NetworkError {
        let subnets = record.subnets.filter { $0.address.isIPv4 == isIPv4 }.map { "\($0)" }
        return NetworkError(
            .exhausted,
            "no available IPv\(isIPv4 ? 4 : 6) addresses on this network's address pools: "
                + "\(record.name) (\(subnets.joined(separator: ", ")))")
    }

    /// Marks the addresses of a container that survived the last daemon.
    func adopt(_ endpoint: Endpoint) {
        forEach(endpoint) { address, allocator in _ = allocator.claim(address) }
    }

    func release(_ endpoint: Endpoint) {
        forEach(endpoint) { address, allocator in allocator.release(address) }
    }

    private func forEach(_ endpoint: Endpoint, _ body: (IPAddress, inout AddressAllocator) -> Void) {
        pools.withLock { pools in
            for address in endpoint.addresses {
                if let index = pools.firstIndex(where: { $0.allocator.subnet.contains(address) }) {
                    body(address, &pools[index].allocator)
                }
            }
        }
    }
}

extension IPAddress {
    var v4: IPv4Address? { if case .v4(let address) = self { address } else { nil } }
    var v6: IPv6Address? { if case .v6(let address) = self { address } else { nil } }
}
