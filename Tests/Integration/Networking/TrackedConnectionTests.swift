import Glibc
import LinuxKernel
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct TrackedConnectionTests {
    /// A client that sends all the time from one port keeps its entry of the connection tracking alive for ever.
    @Test func aClientThatKeepsSendingFindsTheNextContainer() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let port = PortRequest(containerPort: 80, transport: .udp, hostPorts: 8080...8080)
        let client = try host.outside.run {
            let socket = try Sock(.udp, isIPv4: true, timeout: 0.1)
            try socket.bind(Peer("0.0.0.0", 5555))
            return socket
        }
        func ask() -> String? {
            try? host.outside.run {
                try client.send("?", to: Peer(Host.address, 8080))
                return String(decoding: try client.receiveFrom().0, as: UTF8.self)
            }
        }
        func askUntil(_ expected: String) -> Bool {
            for _ in 0..<60 {
                if ask() == expected { return true }
                usleep(50_000)
            }
            return false
        }
        // Before the port is published the packets are tracked, but not translated.
        #expect(ask() == nil)
        let first = try instance.container("first", ports: [port])
        #expect(askUntil("first \(Host.outsideAddress)"))
        let placeholder = try instance.allocate("placeholder")
        try first.release()
        _ = ask()
        // Another container, at another address.
        let keeps = try instance.allocate("keeps")
        let second = try instance.container("second", ports: [port])
        #expect(second.address != first.address)
        #expect(askUntil("second \(Host.outsideAddress)"))
        for endpoint in [placeholder, keeps] { try instance.release(endpoint) }
        try second.release()
        try instance.shutdown(removeAll: true)
    }

    /// The next container gets the address and so the MAC of the one that just ended, whose interface still exists.
    @Test func theNextContainerIsReachedAtOnceWhileTheLastOnesInterfaceLivesOn() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        var earlier: [TestContainer] = []
        for round in 0..<5 {
            let web = try instance.container(
                "web\(round)", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
            #expect(web.address == "172.17.0.2")
            let clock = ContinuousClock()
            let start = clock.now
            #expect(host.outside.askPatiently(.tcp, Host.address, 8080)?.hasPrefix("web\(round) ") == true)
            #expect(clock.now - start < .seconds(10), "round \(round)")
            try web.release()
            earlier.append(web)
        }
        try instance.shutdown(removeAll: true)
    }
}
