import DNS
import Glibc
import LinuxKernel
import Networking
import Synchronization
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct NameServerTests {
    /// A host with one upstream server in its own loopback, which says 192.0.2.1 to everything.
    private struct Setup {
        let host: Host
        let instance: Instance
        let resolverFile: String
        let configuration: NetworkConfiguration

        init(servers: String = "nameserver 127.0.0.53\n") throws {
            try #require(Host.forwarder != nil, "build the product skiff-net first")
            host = try Host()
            resolverFile = "\(host.folder)/resolv.conf"
            // `skiff-net` reads it without privileges.
            chmod(host.folder, 0o755)
            try NameServerTests.writeFile(resolverFile, servers)
            var configuration = host.configuration()
            configuration.resolverFile = resolverFile
            self.configuration = configuration
            instance = try host.start(configuration)
        }

        func container(_ name: String) throws -> NamedContainer { try NamedContainer(instance, name) }
    }

    fileprivate static func writeFile(_ path: String, _ text: String) throws {
        try replaceFile(path, Array(text.utf8))
    }

    private static func descriptors(_ process: pid_t) throws -> Int {
        try directoryEntries("/proc/\(process)/fd").count
    }

    private static func directoryEntries(_ path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw SystemCallError(call: "opendir", subject: path) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.filter { !$0.hasPrefix(".") }
    }

    @Test func containersAreAnsweredByNameAliasAndAddress() throws {
        let setup = try Setup()
        try setup.instance.name(["web", "api"], ["10.9.0.2", "fd09::2"], endpoint: "e1")
        try setup.instance.name(["db"], ["10.9.0.3"], endpoint: "e2")
        let client = try setup.container("client")
        try client.serve()
        for transport in [TransportProtocol.udp, .tcp] {
            #expect(client.ask("web", RecordType.address, transport)?.records == ["10.9.0.2"])
            #expect(client.ask("WEB.mynet", RecordType.address6, transport)?.records == ["fd09::2"])
            #expect(client.ask("api", RecordType.address, transport)?.records == ["10.9.0.2"])
            #expect(
                client.ask("2.0.9.10.in-addr.arpa", RecordType.pointer, transport)?.records == ["web.mynet"])
            let missing = try #require(client.ask("db", RecordType.address6, transport))
            #expect(missing.code == 0 && missing.records.isEmpty)
        }
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func portFiftyThreeStaysTheContainersOwn() throws {
        let setup = try Setup()
        try setup.instance.name(["web"], ["10.9.0.2"], endpoint: "e1")
        let client = try setup.container("client")
        let own = try NameStub(in: client.namespace, "0.0.0.0", says: [203, 0, 113, 7])
        try client.serve()
        for transport in [TransportProtocol.udp, .tcp] {
            #expect(client.ask("web", RecordType.address, transport)?.records == ["10.9.0.2"])
            #expect(
                client.ask("web", RecordType.address, transport, at: "127.0.0.1")?.records == ["203.0.113.7"])
        }
        #expect(own.asked.value == 2)
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func otherNamesAreAskedOfTheHostsServersAsTheyAreNow() throws {
        let setup = try Setup()
        let first = try NameStub(in: setup.host.namespace, "127.0.0.53", says: [192, 0, 2, 1])
        let second = try NameStub(in: setup.host.namespace, "127.0.0.54", says: [192, 0, 2, 2])
        let client = try setup.container("client")
        try client.serve()
        for transport in [TransportProtocol.udp, .tcp] {
            #expect(client.ask("example.org", RecordType.address, transport)?.records == ["192.0.2.1"])
        }
        try Self.writeFile(setup.resolverFile, "# moved\nnameserver 127.0.0.54\n")
        #expect(client.ask("example.org")?.records == ["192.0.2.2"])
        // Servers of its own come before the host's.
        try setup.instance.nameServer.update(client.resolver(servers: ["127.0.0.53"]))
        #expect(client.ask("example.org") { $0?.records == ["192.0.2.1"] }?.records == ["192.0.2.1"])
        #expect(first.asked.value > 2 && second.asked.value >= 1)
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func theNextServerIsAskedWhereOneIsSilentOrRefuses() throws {
        let setup = try Setup(
            servers: "nameserver 127.0.0.51\nnameserver 127.0.0.52\nnameserver 127.0.0.53\n")
        // Nobody is at .51.
        let silent = try NameStub(in: setup.host.namespace, "127.0.0.52") { _, _ in nil }
        let good = try NameStub(in: setup.host.namespace, "127.0.0.53", says: [192, 0, 2, 1])
        let client = try setup.container("client")
        try client.serve()
        #expect(client.ask("example.org")?.records == ["192.0.2.1"])
        #expect(silent.asked.value >= 1 && good.asked.value >= 1)
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func aServerThatFailsIsPassedOnWhereNoOtherCanTell() throws {
        let setup = try Setup(servers: "nameserver 127.0.0.52\nnameserver 127.0.0.53\n")
        let refusing = try NameStub(in: setup.host.namespace, "127.0.0.52") { query, isStream in
            Answer.make(to: query, code: .refused, isStream: isStream)
        }
        let denying = try NameStub(in: setup.host.namespace, "127.0.0.53") { query, isStream in
            Answer.make(
                to: query, code: query.name == DomainName("gone.org") ? .nameError : .refused,
                isStream: isStream)
        }
        let client = try setup.container("client")
        try client.serve()
        #expect(client.ask("gone.org")?.code == ResponseCode.nameError.rawValue)
        #expect(client.ask("other.org")?.code == ResponseCode.refused.rawValue)
        #expect(refusing.asked.value >= 2 && denying.asked.value >= 2)
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func longAnswersComeOverTCP() throws {
        let setup = try Setup()
        let many = (0..<200).map { Record.address([192, 0, 2, UInt8($0)]) }
        let upstream = try NameStub(in: setup.host.namespace, "127.0.0.53") { query, isStream in
            // "rude" answers more than was asked for.
            let isRude = query.name == DomainName("rude.org")
            return Answer.make(to: query, many, isStream: isStream || isRude)
        }
        for number in 1...100 {
            try setup.instance.name(["c\(number)", "many"], ["10.9.1.\(number)"], endpoint: "e\(number)")
        }
        let client = try setup.container("client")
        try client.serve()
        for name in ["example.org", "rude.org", "many"] {
            let cut = try #require(client.ask(name))
            #expect(cut.isTruncated && cut.records.count < 40, "\(name)")
            let whole = try #require(client.ask(name, RecordType.address, .tcp))
            #expect(!whole.isTruncated && whole.records.count == (name == "many" ? 100 : 200), "\(name)")
        }
        let larger = try #require(client.namespace.askName("many", size: 4096))
        #expect(!larger.isTruncated && larger.records.count == 100)
        #expect(upstream.asked.value >= 4)
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func withoutForwardingOtherNamesFail() throws {
        let setup = try Setup()
        let upstream = try NameStub(in: setup.host.namespace, "127.0.0.53", says: [192, 0, 2, 1])
        try setup.instance.name(["web"], ["10.9.0.2"], endpoint: "e1")
        let client = try setup.container("client")
        try client.serve(client.resolver(isForwarding: false))
        #expect(client.ask("example.org")?.code == ResponseCode.serverFailure.rawValue)
        #expect(client.ask("web")?.records == ["10.9.0.2"])
        #expect(upstream.asked.value == 0)
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func changesAreSeenWithoutAskingAnybody() throws {
        let setup = try Setup()
        try setup.instance.name(["web"], ["10.9.0.2"], endpoint: "e1")
        let client = try setup.container("client")
        try client.serve(client.resolver(isForwarding: false))
        #expect(client.ask("web")?.records == ["10.9.0.2"])
        for round in 1...20 {
            try setup.instance.name(["web"], ["10.9.1.\(round)"], endpoint: "e1")
            #expect(client.ask("web") { $0?.records == ["10.9.1.\(round)"] }?.records == ["10.9.1.\(round)"])
        }
        try setup.instance.name(["db"], ["10.9.2.2"], endpoint: "e2", network: "n2")
        try setup.instance.nameServer.update(
            client.resolver(networks: ["n1", "n2"], links: ["postgres": "db"], isForwarding: false))
        #expect(client.ask("postgres") { $0?.code == 0 }?.records == ["10.9.2.2"])
        try setup.instance.nameServer.remove(endpoint: "e1")
        #expect(client.ask("web") { $0?.code != 0 }?.code == ResponseCode.serverFailure.rawValue)
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func aResolverThatDiesIsStartedAgainAndKnowsEverything() throws {
        let setup = try Setup()
        try setup.instance.name(["web"], ["10.9.0.2"], endpoint: "e1")
        let clients = try (1...3).map { try setup.container("client\($0)") }
        for client in clients { try client.serve() }
        // A client that keeps its socket is led to the new port, too.
        let kept = try clients[0].namespace.run {
            let socket = try Sock(.udp, isIPv4: true, timeout: 1)
            try socket.connect(Peer("127.0.0.11", 53))
            return socket
        }
        let query = Namespace.query("web", RecordType.address, id: 7)
        try kept.send(query)
        #expect(NameAnswer(try kept.receive(), id: 7)?.records == ["10.9.0.2"])
        for _ in 0..<3 {
            let process = try #require(setup.host.forwarderProcess())
            kill(process, SIGKILL)
            for client in clients {
                #expect(client.ask("web") { $0 != nil }?.records == ["10.9.0.2"])
            }
            var answer: NameAnswer?
            for _ in 0..<50 where answer == nil {
                try? kept.send(query)
                answer = (try? kept.receive()).flatMap { NameAnswer($0, id: 7) }
            }
            #expect(answer?.records == ["10.9.0.2"])
        }
        for client in clients { client.end() }
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func namesAreAnsweredWithoutTheDaemonAndTakenOverByTheNext() throws {
        let setup = try Setup()
        try setup.instance.name(["web"], ["10.9.0.2"], endpoint: "e1")
        try setup.instance.name(["gone"], ["10.9.0.3"], endpoint: "e2")
        let client = try setup.container("client")
        let leaving = try setup.container("leaving")
        try client.serve(client.resolver(isForwarding: false))
        try leaving.serve(leaving.resolver(isForwarding: false))
        let process = try #require(setup.host.forwarderProcess())
        try setup.instance.shutdown(removeAll: false)
        #expect(client.ask("web")?.records == ["10.9.0.2"])
        // The sockets of a container that ended would keep its network.
        let before = try Self.descriptors(process)
        #expect(leaving.ask("web")?.records == ["10.9.0.2"])
        leaving.end()
        for _ in 0..<200 where try Self.descriptors(process) > before - 3 { usleep(50_000) }
        #expect(try Self.descriptors(process) <= before - 3)
        #expect(try leaving.namespace.shell("ss -Hlntu") == "")

        let second = try setup.host.start(setup.configuration)
        let next = try NamedContainer(second, "next")
        try second.name(["web"], ["10.9.0.2"], endpoint: "e1")
        try second.nameServer.adopt(
            ContainerResolver(
                container: "client", process: client.process, networks: ["n1"], isForwarding: false))
        try next.serve()
        #expect(next.ask("web")?.records == ["10.9.0.2"])
        #expect(client.ask("web") { $0 != nil }?.records == ["10.9.0.2"])
        #expect(client.ask("gone") { $0?.code != 0 }?.code == ResponseCode.serverFailure.rawValue)
        #expect(setup.host.forwarderProcess() == process)
        client.end()
        next.end()
        try second.nameServer.end(container: "client")
        try second.nameServer.end(container: "next")
        try second.shutdown(removeAll: true)
        #expect(setup.host.forwarderProcess() == nil)
    }

    @Test func aContainerThatHasEndedIsNotServed() throws {
        let setup = try Setup()
        let client = try setup.container("client")
        client.end()
        #expect(throws: SystemCallError.self) { try client.serve() }
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func noBytesStopTheAnswers() throws {
        let setup = try Setup()
        let upstream = try NameStub(in: setup.host.namespace, "127.0.0.53") { query, isStream in
            Answer.make(to: query, [.address([192, 0, 2, 1])], isStream: isStream)
        }
        try setup.instance.name(["web"], ["10.9.0.2"], endpoint: "e1")
        let client = try setup.container("client")
        try client.serve()
        let process = try #require(setup.host.forwarderProcess())
        try client.namespace.run {
            let socket = try Sock(.udp, isIPv4: true, timeout: 1)
            try socket.connect(Peer("127.0.0.11", 53))
            for round in 0..<2_000 {
                var message = Namespace.query(
                    round % 2 == 0 ? "web" : "example.org", RecordType.address, id: 1)
                for _ in 0...(round % 7) {
                    message[Int.random(in: 0..<message.count)] = UInt8.random(in: 0...255)
                }
                if round % 3 == 0 { message = (0...(round % 90)).map { _ in UInt8.random(in: 0...255) } }
                try socket.send(message)
            }
            for round in 0..<40 {
                let stream = try Sock(.tcp, isIPv4: true, timeout: 1)
                try stream.connect(Peer("127.0.0.11", 53))
                try? stream.send((0..<(round * 20)).map { _ in UInt8.random(in: 0...255) })
            }
        }
        #expect(client.ask("web") { $0 != nil }?.records == ["10.9.0.2"])
        #expect(client.ask("web", RecordType.address, .tcp)?.records == ["10.9.0.2"])
        #expect(client.ask("example.org") { $0?.code == 0 }?.records == ["192.0.2.1"])
        #expect(setup.host.forwarderProcess() == process)
        #expect(upstream.asked.value > 0)
        client.end()
        try setup.instance.shutdown(removeAll: true)
    }

    @Test func aFloodOfOneContainerLeavesRoomForAnother() throws {
        let setup = try Setup()
        // Silent for those who flood; everybody else is answered.
        let upstream = try NameStub(in: setup.host.namespace, "127.0.0.53") { query, isStream in
            query.name == DomainName("flood.org")
                ? nil : Answer.make(to: query, [.address([192, 0, 2, 1])], isStream: isStream)
        }
        try setup.instance.name(["web"], ["10.9.0.2"], endpoint: "e1")
        let bad = try setup.container("bad")
        let good = try setup.container("good")
        try bad.serve()
        try good.serve()
        let flood = Flood()
        detached {
            _ = try? bad.namespace.run {
                let socket = try Sock(.udp, isIPv4: true, timeout: 1)
                try socket.connect(Peer("127.0.0.11", 53))
                while !flood.isOver {
                    for id in 0..<200 {
                        try? socket.send(Namespace.query("flood.org", RecordType.address, id: UInt16(id)))
                    }
                    usleep(20_000)
                }
            }
        }
        for _ in 0..<200 where upstream.asked.value < 300 { usleep(20_000) }
        #expect(upstream.asked.value >= 300)
        for _ in 0..<20 {
            #expect(good.ask("web")?.records == ["10.9.0.2"])
            #expect(good.ask("example.org") { $0?.code == 0 }?.records == ["192.0.2.1"])
        }
        flood.end()
        bad.end()
        good.end()
        try setup.instance.shutdown(removeAll: true)
    }
}

private final class Flood: Sendable {
    private let over = Mutex(false)
    var isOver: Bool { over.withLock { $0 } }
    func end() { over.withLock { $0 = true } }
}
