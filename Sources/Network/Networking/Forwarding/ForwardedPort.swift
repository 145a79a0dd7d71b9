import Glibc
import LinuxKernel

/// A host port's socket, and where in a container the forwarder takes what arrives at it.
struct ForwardedPort: Sendable {
    /// Names it towards the forwarder: the endpoint's id, transport, address and port.
    let key: String
    let endpoint: String
    let transport: TransportProtocol
    let hostAddresses: [IPAddress]
    let hostPort: UInt16
    let target: IPAddress
    let targetPort: UInt16
    /// nil once the forwarder has it.
    var socket: SharedDescriptor?

    /// - Parameter ports: the bindings that one socket serves: one, or that of `0.0.0.0` and that of `::`
    init?(_ endpoint: Endpoint, _ ports: [PublishedPort], socket: SharedDescriptor?) {
        guard let port = ports.last, port.transport != .sctp,
            let target = endpoint.ipv4.map({ IPAddress.v4($0.address) })
                ?? endpoint.ipv6.map({ IPAddress.v6($0.address) })
        else { return nil }
        self.endpoint = endpoint.id
        transport = port.transport
        hostAddresses = ports.map(\.hostAddress)
        hostPort = port.hostPort
        self.target = target
        targetPort = port.containerPort
        self.socket = socket
        key = "\(endpoint.id)/\(port.transport.rawValue)/\(port.hostAddress)/\(port.hostPort)"
    }

    /// Throws away what arrived at a UDP socket so far.
    func dropDatagrams() {
        guard let socket else { return }
        var byte: UInt8 = 0
        while recv(socket.rawValue, &byte, 1, Int32(MSG_DONTWAIT)) >= 0 {}
    }

    /// All of an endpoint's, as after a restart of the daemon, when no socket is at hand.
    static func all(of endpoint: Endpoint) -> [ForwardedPort] {
        var rest = endpoint.ports.filter { $0.hostPort != 0 }
        var result: [ForwardedPort] = []
        while let port = rest.first {
            rest.removeFirst()
            // Ports of every address of both families share a socket.
            var group = [port]
            if port.hostAddress == .v4(.any),
                let twin = rest.firstIndex(where: {
                    $0.hostAddress == .v6(.any) && $0.hostPort == port.hostPort
                        && $0.transport == port.transport
                        && $0.containerPort == port.containerPort
                })
            {
                group.append(rest.remove(at: twin))
            }
            if let forwarded = ForwardedPort(endpoint, group, socket: nil) { result.append(forwarded) }
        }
        return result
    }
}
