import LinuxKernel
import Synchronization

/// The host ports that containers of this instance hold.
final class PortClaims: Sendable {
    private struct Claim {
        var endpoint: String
        var container: String
        var address: IPAddress

        func conflicts(with other: IPAddress) -> Bool {
            address.isIPv4 == other.isIPv4
                && (address == other || address.isUnspecified || other.isUnspecified)
        }
    }

    private struct Service: Hashable {
        var transport: TransportProtocol
        var port: UInt16
    }

    private struct State {
        var claims: [Service: [Claim]] = [:]
        /// Where the search for a random port goes on; Docker's goes on as well, so that a port is not used again soon.
        var nextEphemeral: [TransportProtocol: UInt16] = [:]
    }

    private let state = Mutex(State())
    private let ephemeral: ClosedRange<UInt16>

    /// - Parameter ephemeral: what random ports come from; nil is the kernel's `ip_local_port_range`
    init(ephemeral: ClosedRange<UInt16>? = nil) {
        self.ephemeral = ephemeral ?? Self.kernelRange()
    }

    private static func kernelRange() -> ClosedRange<UInt16> {
        let fallback: ClosedRange<UInt16> = 32768...60999
        guard let bytes = try? readFile("/proc/sys/net/ipv4/ip_local_port_range") else { return fallback }
        let ends = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).compactMap {
            UInt16($0)
        }
        return ends.count == 2 && ends[0] <= ends[1] && ends[0] > 0 ? ends[0]...ends[1] : fallback
    }

    /// Takes a port for all addresses or for none.
    /// - Returns: nil, or the name of the container that holds one of them and the address
    func claim(
        _ addresses: [IPAddress], port: UInt16, transport: TransportProtocol, endpoint: String,
        container: String
    ) -> (container: String, address: IPAddress)? {
        state.withLock { state in
            let service = Service(transport: transport, port: port)
            let present = state.claims[service, default: []]
            for address in addresses {
                if let holder = present.first(where: { $0.conflicts(with: address) }) {
                    return (holder.container, address)
                }
            }
            state.claims[service] =
                present + addresses.map { Claim(endpoint: endpoint, container: container, address: $0) }
            return nil
        }
    }

    /// Gives up one port of an endpoint on some addresses.
    func release(_ addresses: [IPAddress], port: UInt16, transport: TransportProtocol, endpoint: String) {
        state.withLock { state in
            let service = Service(transport: transport, port: port)
            let rest = state.claims[service, default: []].filter {
                $0.endpoint != endpoint || !addresses.contains($0.address)
            }
            state.claims[service] = rest.isEmpty ? nil : rest
        }
    }

    /// Every port of the ephemeral range once, from where the last search ended.
    func ephemeralCandidates(_ transport: TransportProtocol) -> some Sequence<UInt16> {
        let start = state.withLock { $0.nextEphemeral[transport] } ?? ephemeral.lowerBound
        let first = Int(ephemeral.lowerBound)
        let count = ephemeral.count
        return (0..<count).lazy.map { UInt16(first + (Int(start) - first + $0) % count) }
    }

    func tookEphemeral(_ port: UInt16, _ transport: TransportProtocol) {
        state.withLock {
            $0.nextEphemeral[transport] = port >= ephemeral.upperBound ? ephemeral.lowerBound : port + 1
        }
    }
}
