import Glibc
import LinuxKernel
import Netlink
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct BandwidthLimitTests {
    /// 300,000 bytes a second.
    private static let options = ["skiff.rate": "2400kbit", "skiff.burst": "64kb"]

    /// Sends 600,000 bytes and waits until all have arrived.
    /// - Returns: how long that took, in seconds
    private func transfer(from sender: Namespace, to receiver: Namespace, _ address: String) throws -> Double
    {
        let size = 600_000
        let listener = try receiver.run {
            let socket = try Sock(.tcp, isIPv4: true, timeout: 60)
            try socket.bind(Peer(address, 5001))
            try socket.listen()
            return socket
        }
        detached {
            _ = try? sender.run {
                let socket = try Sock(.tcp, isIPv4: true, timeout: 60)
                try socket.connect(Peer(address, 5001))
                try socket.send([UInt8](repeating: 7, count: size))
                socket.shutdownWriting()
                _ = try socket.receive()
            }
        }
        let (connection, _) = try listener.accept()
        connection.setTimeout(60)
        var start = timespec()
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &start)
        #expect(try connection.readAll().count == size)
        clock_gettime(CLOCK_MONOTONIC, &end)
        return Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) / 1e9
    }

    private func create(_ instance: Instance, _ name: String, _ driver: String, _ options: [String: String])
        throws
    {
        var request = NetworkRequest(name: name)
        request.driver = driver
        request.options = options
        let made = request
        let controller = instance.controller
        _ = try instance.host.namespace.run { try controller.create(made) }
    }

    /// A busy machine makes it slower only: what the burst does not cover takes its time at least.
    @Test(arguments: ["bridge", "macvlan"])
    func bothDirectionsAreHeldToTheRate(driver: String) throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        try create(instance, "lan", driver, driver == "macvlan" ? ["parent": "up0"] : [:])
        let limited = try instance.container(
            "limited", network: "lan", driverOptions: Self.options, serves: nil)
        let free = try instance.container("free", network: "lan", serves: nil)
        let burst = 2 * 65536.0
        let sending = try transfer(from: limited.namespace, to: free.namespace, free.address)
        #expect(sending > (600_000 - burst) / 300_000 * 0.9)
        // What a macvlan receives is counted over a second.
        let receiving = try transfer(from: free.namespace, to: limited.namespace, limited.address)
        let uncounted = driver == "macvlan" ? 300_000 + burst : burst
        #expect(receiving > (600_000 - uncounted) / 300_000 * 0.9)
        try limited.release()
        try free.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func theLimitsAreTheKernels() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container("web", driverOptions: Self.options, serves: nil)
        let inside = try web.namespace.shell("tc qdisc show dev eth0")
        #expect(inside.contains("tbf") && inside.contains("rate 2400Kbit burst 64Kb"))
        let outside = try host.namespace.shell("tc qdisc show dev \(web.endpoint.hostInterfaceName)")
        #expect(outside.contains("tbf") && outside.contains("rate 2400Kbit burst 64Kb"))
        let plain = try instance.container("plain", serves: nil)
        #expect(try !plain.namespace.shell("tc qdisc show dev eth0").contains("tbf"))
        try web.release()
        try plain.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func anOptionThatIsNoRateIsRefusedBeforeAnythingIsTaken() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let error = #expect(throws: NetworkError.self) {
            try instance.container("web", driverOptions: ["skiff.rate": "fast"], serves: nil)
        }
        #expect(error?.message.contains("skiff.rate \"fast\"") == true)
        let next = try instance.container("next", serves: nil)
        #expect(next.address == "172.17.0.2")
        try next.release()
        try instance.shutdown(removeAll: true)
    }
}
