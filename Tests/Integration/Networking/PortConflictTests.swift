import LinuxKernel
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct PortConflictTests {
    private func message(_ body: () throws -> Endpoint) -> (code: NetworkError.Code?, text: String) {
        do {
            _ = try body()
            return (nil, "no error")
        } catch let error as NetworkError {
            return (error.code, error.message)
        } catch {
            return (nil, "\(error)")
        }
    }

    @Test func aPortOfAnotherContainerIsRefusedInDockersWordsAndNamesIt() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let port = PortRequest(containerPort: 80, hostPorts: 8080...8080)
        let web = try instance.allocate("web", ports: [port])
        let failure = message { try instance.allocate("second", ports: [port]) }
        #expect(failure.code == .portAllocated)
        #expect(failure.text.contains("Bind for 0.0.0.0:8080 failed: port is already allocated"))
        #expect(failure.text.contains("driver failed programming external connectivity on endpoint second ("))
        #expect(failure.text.contains("(by container web)"))
        // Another address and another transport are other ports.
        var local = port
        local.hostAddress = .v4(.loopback)
        #expect(message { try instance.allocate("third", ports: [local]) }.code == .portAllocated)
        var udp = port
        udp.transport = .udp
        let fourth = try instance.allocate("fourth", ports: [udp])
        // What failed took nothing: the next address is the one that the failed ones had.
        #expect(fourth.ipv4?.address == IPv4Address("172.17.0.3"))
        try instance.release(web)
        _ = try instance.allocate("second", ports: [port])
        try instance.shutdown(removeAll: false)
    }

    @Test func aPortOfAProcessIsRefusedAndNamesIt() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        for (index, address) in ["0.0.0.0", "127.0.0.1", "::", "::1"].enumerated() {
            let port = UInt16(7100 + index)
            let holder = try host.namespace.run {
                let socket = try Sock(.tcp, isIPv4: !address.contains(":"))
                try socket.bind(Peer(address, port))
                try socket.listen()
                return socket
            }
            let failure = message {
                try instance.allocate("web", ports: [PortRequest(containerPort: 80, hostPorts: port...port)])
            }
            #expect(failure.code == .portInUse)
            #expect(
                failure.text.contains(
                    "failed to bind host port for 0.0.0.0:\(port):172.17.0.2:80/tcp: address already in use"))
            #expect(failure.text.contains("(by process "))
            _ = holder
        }
        let absent = message {
            try instance.allocate(
                "web",
                ports: [PortRequest(containerPort: 80, hostAddress: IPAddress("9.9.9.9"), hostPorts: 80...80)]
            )
        }
        #expect(absent.code == .addressNotLocal)
        try instance.shutdown(removeAll: true)
    }

    @Test func noOtherProgramCanTakeAPublishedPort() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        for address in ["0.0.0.0", "::", "127.0.0.1", Host.address] {
            #expect(throws: SystemCallError.self) {
                try host.namespace.run {
                    let socket = try Sock(.tcp, isIPv4: !address.contains(":"))
                    try socket.bind(Peer(address, 8080))
                    try socket.listen()
                }
            }
        }
        try web.release()
        // Free again for another container at once.
        let again = try instance.container(
            "again", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) == "again \(Host.outsideAddress)")
        try again.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func randomPortsAndRangesSkipWhatIsTaken() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let holder = try host.namespace.run {
            let socket = try Sock(.tcp, isIPv4: true)
            try socket.bind(Peer("0.0.0.0", 9001))
            try socket.listen()
            return socket
        }
        let range = PortRequest(containerPort: 80, hostPorts: 9000...9002)
        let ports = try (0..<2).map { try instance.allocate("c\($0)", ports: [range]).ports.map(\.hostPort) }
        #expect(ports == [[9000, 9000], [9002, 9002]])
        let failure = message { try instance.allocate("full", ports: [range]) }
        #expect(failure.text.contains("no port of 9000-9002 is free"))
        let random = try instance.allocate(
            "random", ports: [PortRequest(containerPort: 1), PortRequest(containerPort: 2, transport: .udp)])
        #expect(random.ports.allSatisfy { $0.hostPort >= 32768 })
        #expect(random.ports.map(\.hostAddress) == [.v4(.any), .v6(.any), .v4(.any), .v6(.any)])
        _ = holder
        try instance.shutdown(removeAll: false)
    }

    /// Nobody waits for what is done about datagrams; a container may end before its turn.
    @Test func aDatagramPortIsFreeAgainWhenItsContainerEndsAtOnce() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        for number in 0..<20 {
            let web = try instance.container(
                "web\(number)",
                ports: [PortRequest(containerPort: 53, transport: .udp, hostPorts: 5353...5353)], serves: nil)
            try web.release()
        }
        // Neither does the forwarder keep it.
        try instance.shutdown(removeAll: true)
        #expect(try !host.namespace.shell("ss -Hlun").contains(":5353"))
    }
}
