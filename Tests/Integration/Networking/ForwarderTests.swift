import Glibc
import LinuxKernel
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct ForwarderTests {
    private static let port = PortRequest(containerPort: 80, hostPorts: 8080...8080)

    private func descriptors(_ process: pid_t) throws -> Int {
        try #require(Int(try Namespace().shell("ls /proc/\(process)/fd | wc -l").filter(\.isNumber)))
    }

    /// Connects through the forwarder: by IPv6 to a container that has none.
    private func connect(_ host: Host) throws -> Sock {
        try host.outside.run {
            let socket = try Sock(.tcp, isIPv4: false, timeout: 60)
            try socket.connect(Peer(Host.addressV6, 8080))
            return socket
        }
    }

    @Test func megabytesGoBothWaysAndAHalfClosedStreamStillAnswers() throws {
        try #require(Host.forwarder != nil, "build the product skiff-net first")
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container("web", ports: [Self.port], serves: nil)
        // Takes everything until the client's end, then sends it back.
        let server = try web.namespace.run {
            let socket = try Sock(.tcp, isIPv4: true, timeout: 60)
            try socket.bind(Peer("0.0.0.0", 80))
            try socket.listen()
            return socket
        }
        detached {
            while let (connection, _) = try? server.accept() {
                connection.setTimeout(60)
                if let bytes = try? connection.readAll() { try? connection.send(bytes) }
            }
        }
        let sent = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 13) }
        for size in [0, 1, 65_536, sent.count] {
            let client = try connect(host)
            try client.send(Array(sent[..<size]))
            client.shutdownWriting()
            #expect(try client.readAll() == Array(sent[..<size]), "\(size) bytes")
        }
        shutdown(server.raw, Int32(SHUT_RDWR))
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func closedConnectionsLeaveNoDescriptorAndARefusalIsPassedOn() throws {
        try #require(Host.forwarder != nil, "build the product skiff-net first")
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container("web", ports: [Self.port])
        #expect(host.outside.askPatiently(.tcp, Host.addressV6, 8080)?.hasPrefix("web ") == true)
        let process = try #require(host.forwarderProcess())
        usleep(50_000)
        let before = try descriptors(process)
        for _ in 0..<200 { _ = host.outside.ask(.tcp, Host.addressV6, 8080) }
        // Clients that vanish, some in disorder.
        for index in 0..<50 {
            let client = try connect(host)
            if index % 2 == 0 {
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(client.raw, SOL_SOCKET, SO_LINGER, &linger, 8)
            }
        }
        usleep(200_000)
        #expect(try descriptors(process) == before)
        web.responder?.stop()
        usleep(50_000)
        let client = try connect(host)
        #expect(throws: SystemCallError.self) { try client.receive() }
        usleep(50_000)
        #expect(try descriptors(process) == before)
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func aSlowReaderHoldsItsWriterBackAndCostsLittleMemory() throws {
        try #require(Host.forwarder != nil, "build the product skiff-net first")
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container("web", ports: [Self.port], serves: nil)
        let server = try web.namespace.run {
            let socket = try Sock(.tcp, isIPv4: true, timeout: 0)
            try socket.bind(Peer("0.0.0.0", 80))
            try socket.listen()
            return socket
        }
        // Writes for ever to clients that never read.
        detached {
            let bytes = [UInt8](repeating: 7, count: 1 << 20)
            while let (connection, _) = try? server.accept() {
                detached { while (try? connection.send(bytes)) != nil {} }
            }
        }
        let clients = try (0..<30).map { _ in try connect(host) }
        usleep(500_000)
        let process = try #require(host.forwarderProcess())
        let text = try Namespace().shell("grep ^Pss: /proc/\(process)/smaps_rollup")
        let pss = try #require(Int(text.filter(\.isNumber)))
        print("skiff-net with 30 blocked connections: \(pss) kB PSS, \(try descriptors(process)) descriptors")
        #expect(pss < 8192)
        // Others are served meanwhile.
        _ = clients.count
        shutdown(server.raw, Int32(SHUT_RDWR))
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func datagramsOfManyClientsFindTheirWayBack() throws {
        try #require(Host.forwarder != nil, "build the product skiff-net first")
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, transport: .udp, hostPorts: 8080...8080)],
            serves: nil)
        let server = try web.namespace.run {
            let socket = try Sock(.udp, isIPv4: true, timeout: 0)
            try socket.bind(Peer("0.0.0.0", 80))
            return socket
        }
        detached {
            while let (bytes, peer) = try? server.receiveFrom(), !bytes.isEmpty {
                try? server.send(String(decoding: bytes, as: UTF8.self), to: peer)
            }
        }
        #expect(host.outside.askPatiently(.udp, Host.addressV6, 8080) == "?")
        let answers = try host.outside.run {
            let clients = try (0..<50).map { _ in
                let socket = try Sock(.udp, isIPv4: false)
                try socket.connect(Peer(Host.addressV6, 8080))
                return socket
            }
            for (index, client) in clients.enumerated() { try client.send("client \(index)") }
            return try clients.map { String(decoding: try $0.receive(), as: UTF8.self) }
        }
        #expect(answers == (0..<50).map { "client \($0)" })
        shutdown(server.raw, Int32(SHUT_RDWR))
        try web.release()
        try instance.shutdown(removeAll: true)
    }
}
