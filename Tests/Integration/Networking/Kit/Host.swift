import Glibc
import LinuxKernel
import Logging
import Networking
import Testing

/// Whether the tests may make namespaces; without root they are skipped.
let isRoot = geteuid() == 0

/// A host in a namespace of its own with one instance of the networks, and another machine beside it.
final class Host: Sendable {
    static let address = "198.51.100.1"
    static let addressV6 = "2001:db8:f::1"
    static let outsideAddress = "198.51.100.2"
    static let outsideAddressV6 = "2001:db8:f::2"

    let namespace: Namespace
    let outside: Namespace
    let folder: String

    init() throws {
        namespace = try Namespace()
        outside = try Namespace()
        var template = Array("/tmp/skiff-networking-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemCallError(call: "mkdtemp") }
        folder = String(cString: made)
        try namespace.link(
            "up0", ["\(Self.address)/24", "\(Self.addressV6)/64"], to: outside, "eth0",
            ["\(Self.outsideAddress)/24", "\(Self.outsideAddressV6)/64"])
    }

    /// Forwarders outlive their instances where containers were still connected.
    deinit {
        for process in forwarderProcesses() { kill(process, SIGTERM) }
        _ = try? onThread { [folder] in system("rm -rf '\(folder)'") }
    }

    func configuration(_ instance: String = "sktest", bridge: String = "skt0") -> NetworkConfiguration {
        var configuration = NetworkConfiguration(
            instance: instance, stateDirectory: "\(folder)/\(instance)/state",
            runDirectory: "\(folder)/\(instance)/run", forwarderPath: Self.forwarder)
        configuration.bridgeName = bridge
        return configuration
    }

    /// The executable beside the tests' own.
    static let forwarder: String? = {
        guard let own = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(own) }
        let path =
            String(cString: own).split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/skiff-net"
        return access(path, X_OK) == 0 ? path : nil
    }()

    /// Starts an instance inside.
    func start(
        _ configuration: NetworkConfiguration, existing: [Endpoint] = [], logger: Logger? = nil
    ) throws -> Instance {
        let controller = try NetworkController(
            configuration, logger: logger ?? Logger(label: configuration.instance))
        try namespace.run { try controller.start(existing: existing) }
        return Instance(controller, self)
    }
}

/// A running instance; calls happen inside its host.
final class Instance: Sendable {
    let controller: NetworkController
    let host: Host

    init(_ controller: NetworkController, _ host: Host) {
        self.controller = controller
        self.host = host
    }

    func container(
        _ name: String, ports: [PortRequest] = [], network: String = "bridge",
        driverOptions: [String: String] = [:], serves port: UInt16? = 80
    ) throws -> TestContainer {
        try TestContainer(
            self, name, ports, network: network, driverOptions: driverOptions, serves: port)
    }

    func allocate(_ name: String, ports: [PortRequest] = []) throws -> Endpoint {
        let controller = controller
        return try host.namespace.run {
            try controller.allocate(
                EndpointRequest(containerID: name, containerName: name, network: "bridge", ports: ports))
        }
    }

    func release(_ endpoint: Endpoint) throws {
        let controller = controller
        try host.namespace.run { controller.release(endpoint) }
    }

    func shutdown(removeAll: Bool) throws {
        let controller = controller
        try host.namespace.run { controller.shutdown(removeAll: removeAll) }
    }
}

/// A namespace connected to an instance's bridge, with a server in it.
final class TestContainer: Sendable {
    let namespace: Namespace
    let endpoint: Endpoint
    let responder: Responder?
    private let instance: Instance

    init(
        _ instance: Instance, _ name: String, _ ports: [PortRequest], network: String,
        driverOptions: [String: String], serves port: UInt16?
    ) throws {
        self.instance = instance
        let namespace = try Namespace()
        self.namespace = namespace
        let controller = instance.controller
        let endpoint = try instance.host.namespace.run {
            var request = EndpointRequest(
                containerID: name, containerName: name, network: network, ports: ports)
            request.driverOptions = driverOptions
            var endpoint = try controller.allocate(request)
            endpoint.defaultRoutes = .both
            try controller.attach(endpoint, namespace: namespace.descriptor.rawValue)
            return endpoint
        }
        self.endpoint = endpoint
        responder = try port.map {
            try Responder(name, in: namespace, port: $0, hasIPv6: endpoint.ipv6 != nil)
        }
    }

    var address: String { endpoint.ipv4?.address.description ?? "" }
    var addressV6: String { endpoint.ipv6?.address.description ?? "" }

    func release() throws {
        responder?.stop()
        try instance.release(endpoint)
    }
}
