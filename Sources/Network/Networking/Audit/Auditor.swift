import Netlink

/// Asks the rules about every pair that matters: container to container, host to container, outside to container and
/// to its published ports.
struct Auditor: Sendable {
    let scene: AuditScene
    let rules: RuleMachine

    /// A port that nobody publishes stands for all of those.
    private static let unpublishedPort: UInt16 = 1
    /// Other machines (RFC 5737, RFC 3849).
    private static let outsider4 = IPAddress("203.0.113.77")
    private static let outsider6 = IPAddress("2001:db8:77::77")

    func audit() -> NetworkAudit {
        var paths: [NetworkAudit.Path] = []
        for seat in scene.seats {
            for address in seat.endpoint.addresses {
                for sender in senders(to: seat) {
                    paths += between(sender, seat, address).map { [$0] } ?? []
                }
                paths.append(fromHost(seat, address))
                paths.append(fromOutside(seat, address))
            }
            for port in seat.endpoint.ports { paths += published(port, seat).map { [$0] } ?? [] }
        }
        return NetworkAudit(paths: paths, findings: AuditFindings(scene: scene, rules: rules).all)
    }

    private func packet(
        from source: IPAddress?, to destination: IPAddress, in input: String = "", out output: String = "",
        _ transport: TransportProtocol = .tcp, port: UInt16 = unpublishedPort
    ) -> ProbePacket {
        var packet = ProbePacket(
            source: source ?? destination, destination: destination, transport: transport, port: port)
        packet.inputInterface = input
        packet.outputInterface = output
        packet.isDestinationLocal = scene.hostAddresses.contains(destination)
        return packet
    }

    // MARK: Containers

    /// Where the packets of every other container leave by: its place on the same network, else those that its default
    /// routes lead over, else any, for the sake of an answer.
    private func senders(to seat: AuditScene.Seat) -> [AuditScene.Seat] {
        var senders: [AuditScene.Seat] = []
        var known: Set<String> = [seat.endpoint.containerID]
        for candidate in scene.seats where known.insert(candidate.endpoint.containerID).inserted {
            let places = scene.seats.filter { $0.endpoint.containerID == candidate.endpoint.containerID }
            senders.append(
                places.first { $0.endpoint.networkID == seat.endpoint.networkID }
                    ?? places.first { $0.endpoint.defaultRoutes.contains(.ipv4) } ?? candidate)
        }
        return senders
    }

    /// - Returns: nil where the sender has no address of the family
    private func between(
        _ sender: AuditScene.Seat, _ seat: AuditScene.Seat, _ address: IPAddress
    ) -> NetworkAudit.Path? {
        guard let source = sender.endpoint.addresses.first(where: { $0.isIPv4 == address.isIPv4 }) else {
            return nil
        }
        var path = path(.container, sender.endpoint.containerName, seat, address)
        guard let from = sender.bridge, let to = seat.bridge else {
            return sharedLink(sender, seat, path)
        }
        if from == to {
            if sender.isIsolated, seat.isIsolated {
                (path.verdict, path.reason) = (.blocked, "both are isolated ports of the bridge \(to)")
                return path
            }
            // Without br_netfilter the bridge switches frames that no rule of IP sees.
            guard scene.filtersBridges else { return path }
        } else if let refusal = forwarding(address) {
            (path.verdict, path.reason) = (.blocked, refusal)
            return path
        }
        let packet = packet(from: source, to: address, in: from, out: to)
        return judged(path, packet, [.prerouting, .forward])
    }

    /// One of the two is on no bridge: rules of the host are not asked.
    private func sharedLink(
        _ sender: AuditScene.Seat, _ seat: AuditScene.Seat, _ path: NetworkAudit.Path
    ) -> NetworkAudit.Path {
        var path = path
        if let parent = seat.parent, sender.parent == parent {
            path.reason = "both are on the interface \(parent)"
        } else {
            path.verdict = .unknown
            path.reason = "the network of the interface \(seat.parent ?? sender.parent ?? "") decides"
        }
        return path
    }

    // MARK: Host and outside

    private func fromHost(_ seat: AuditScene.Seat, _ address: IPAddress) -> NetworkAudit.Path {
        var path = path(.host, "", seat, address)
        guard let bridge = seat.bridge else {
            (path.verdict, path.reason) = (
                .blocked, "an interface does not reach what is on top of it (\(seat.parent ?? ""))"
            )
            return path
        }
        let own = scene.hostAddresses.first { $0.isIPv4 == address.isIPv4 && !$0.isLoopback }
        return judged(path, packet(from: own, to: address, out: bridge), [.output])
    }

    private func fromOutside(_ seat: AuditScene.Seat, _ address: IPAddress) -> NetworkAudit.Path {
        var path = path(.outside, scene.uplink, seat, address)
        guard let bridge = seat.bridge else {
            path.from = seat.parent ?? ""
            path.reason = "it is on the network of the interface \(path.from) itself"
            return path
        }
        if let refusal = forwarding(address) {
            (path.verdict, path.reason) = (.blocked, refusal)
            return path
        }
        let packet = packet(
            from: outsider(address), to: address, in: scene.uplink, out: bridge)
        return judged(path, packet, [.prerouting, .forward])
    }

    private func outsider(_ address: IPAddress) -> IPAddress? {
        address.isIPv4 ? Self.outsider4 : Self.outsider6
    }

    /// A published port, from outside; nil for one that only the host itself reaches.
    private func published(_ port: PublishedPort, _ seat: AuditScene.Seat) -> NetworkAudit.Path? {
        guard !port.hostAddress.isLoopback else { return nil }
        let host =
            port.hostAddress.isUnspecified
            ? scene.hostAddresses.first { address in
                address.isIPv4 == port.hostAddress.isIPv4 && !address.isLoopback && !address.isLinkLocal
            } : port.hostAddress
        guard let host else { return nil }
        var path = path(.outside, scene.uplink, seat, host)
        (path.port, path.transport) = (port.hostPort, port.transport)
        var packet = packet(
            from: outsider(host), to: host, in: scene.uplink, port.transport, port: port.hostPort)
        if let stop = rules.run(.prerouting, &packet) { return judged(path, stop) }
        guard packet.isTranslated else {
            // The kernel cannot translate it: `skiff-net` listens, and the packet ends at the host.
            return judged(path, packet, [.input])
        }
        if let refusal = forwarding(packet.destination) {
            (path.verdict, path.reason) = (.blocked, refusal)
            return path
        }
        packet.outputInterface = seat.bridge ?? ""
        return judged(path, packet, [.forward])
    }

    // MARK: Judging

    private func path(
        _ source: NetworkAudit.Source, _ from: String, _ seat: AuditScene.Seat, _ address: IPAddress
    ) -> NetworkAudit.Path {
        NetworkAudit.Path(
            source: source, from: from, to: seat.endpoint.containerName, network: seat.endpoint.networkName,
            address: address, port: nil, transport: .tcp, verdict: .reachable, reason: "")
    }

    private func forwarding(_ address: IPAddress) -> String? {
        guard !(address.isIPv4 ? scene.forwardsIPv4 : scene.forwardsIPv6) else { return nil }
        return "the kernel does not forward IPv\(address.isIPv4 ? 4 : 6)"
    }

    private func judged(
        _ path: NetworkAudit.Path, _ packet: ProbePacket, _ hooks: [RuleMachine.Hook]
    ) -> NetworkAudit.Path {
        var packet = packet
        var doubt: RuleMachine.Outcome?
        for hook in hooks {
            switch rules.run(hook, &packet) {
            case .drop(let place): return judged(path, .drop(place))
            case let other: doubt = doubt ?? other
            }
        }
        return doubt.map { judged(path, $0) } ?? path
    }

    private func judged(_ path: NetworkAudit.Path, _ outcome: RuleMachine.Outcome) -> NetworkAudit.Path {
        var path = path
        switch outcome {
        case .drop(let place): (path.verdict, path.reason) = (.blocked, "\(place)")
        case .unknown(let place): (path.verdict, path.reason) = (.unknown, "\(place)")
        case .accept, .pass, .translate: break
        }
        return path
    }
}

extension IPAddress {
    fileprivate var isLinkLocal: Bool {
        switch self {
        case .v4(let address): address.value >> 16 == 0xa9fe
        case .v6(let address): address.isLinkLocal
        }
    }
}
