import CLinux
import DNS
import Glibc
import LinuxKernel
import Networking
import Synchronization
import Testing

/// A network namespace with a process in it, whose names the instance answers.
final class NamedContainer: Sendable {
    let namespace: Namespace
    let process: pid_t
    let name: String
    private let instance: Instance
    private let hasEnded = Mutex(false)

    init(_ instance: Instance, _ name: String) throws {
        self.instance = instance
        self.name = name
        let namespace = try Namespace()
        self.namespace = namespace
        process = try namespace.run {
            var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("1000"), nil]
            defer { for argument in arguments { free(argument) } }
            var started: pid_t = 0
            let failure = posix_spawn(&started, "/bin/sleep", nil, nil, &arguments, nil)
            guard failure == 0 else { throw SystemCallError(call: "posix_spawn", errno: failure) }
            return started
        }
    }

    deinit { end() }

    func end() {
        guard
            hasEnded.withLock({ ended in
                defer { ended = true }
                return !ended
            })
        else { return }
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    func resolver(
        networks: [String] = ["n1"], links: [String: String] = [:], servers: [String] = [],
        isForwarding: Bool = true
    ) -> ContainerResolver {
        ContainerResolver(
            container: name, process: process, networks: networks, links: links,
            servers: servers.compactMap { IPAddress($0) }, isForwarding: isForwarding)
    }

    /// Has it answered from now on.
    func serve(_ resolver: ContainerResolver? = nil) throws {
        let server = try instance.nameServer
        let resolver = resolver ?? self.resolver()
        try instance.host.namespace.run { try server.serve(resolver) }
    }

    func ask(
        _ name: String, _ type: UInt16 = RecordType.address, _ transport: TransportProtocol = .udp,
        at address: String = "127.0.0.11", patience: Double = 8
    ) -> NameAnswer? {
        namespace.askName(name, type, transport, at: address, patience: patience)
    }

    /// Asks until the answer is one that is waited for, or many times.
    func ask(_ name: String, until isExpected: (NameAnswer?) -> Bool) -> NameAnswer? {
        var answer: NameAnswer?
        for _ in 0..<200 {
            answer = ask(name, patience: 0.5)
            if isExpected(answer) { return answer }
            usleep(50_000)
        }
        return answer
    }
}

extension Instance {
    var nameServer: NameServer { get throws { try #require(controller.names) } }

    func name(_ names: [String], _ addresses: [String], endpoint: String, network: String = "n1") throws {
        try nameServer.set(
            EndpointNames(
                endpoint: endpoint, network: network, networkName: "mynet", container: endpoint, names: names,
                addresses: addresses.compactMap { IPAddress($0) }))
    }
}

/// What a client learns of an answer.
struct NameAnswer: Equatable {
    var code: UInt16
    var isTruncated: Bool
    /// Addresses as text; the bytes of other records' data.
    var records: [String]

    init?(_ message: [UInt8], id: UInt16) {
        guard let header = MessageHeader(message), header.isResponse, header.id == id else { return nil }
        code = header.code
        isTruncated = header.isTruncated
        records = []
        var offset = MessageHeader.size
        for _ in 0..<header.questions {
            guard DomainName.read(message, at: &offset) != nil else { return nil }
            offset += 4
        }
        for _ in 0..<header.answers {
            guard DomainName.read(message, at: &offset) != nil, offset + 10 <= message.count else {
                return nil
            }
            let type = UInt16(message[offset]) << 8 | UInt16(message[offset + 1])
            let end = offset + 10 + Int(message[offset + 8]) << 8 + Int(message[offset + 9])
            guard end <= message.count else { return nil }
            let data = Array(message[offset + 10..<end])
            records.append(Self.text(type, data))
            offset = end
        }
    }

    private static func text(_ type: UInt16, _ data: [UInt8]) -> String {
        var start = 0
        switch type {
        case RecordType.address: return data.map { String($0) }.joined(separator: ".")
        case RecordType.address6:
            return IPv6Address(data.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }).description
        case RecordType.pointer: return DomainName.read(data, at: &start)?.description ?? "?"
        default: return "\(data)"
        }
    }
}

extension Namespace {
    static func query(_ name: String, _ type: UInt16, id: UInt16, size: UInt16? = nil) -> [UInt8] {
        let tail: [UInt8] = size.map { [0, 0, 41, UInt8($0 >> 8), UInt8($0 & 0xff), 0, 0, 0, 0, 0, 0] } ?? []
        return [UInt8(id >> 8), UInt8(id & 0xff), 1, 0, 0, 1, 0, 0, 0, 0, 0, size == nil ? 0 : 1]
            + (DomainName(name)?.bytes ?? [0]) + [UInt8(type >> 8), UInt8(type & 0xff), 0, 1] + tail
    }

    /// One question to a name server; nil where none answers within `patience` seconds.
    func askName(
        _ name: String, _ type: UInt16 = RecordType.address, _ transport: TransportProtocol = .udp,
        at address: String = "127.0.0.11", size: UInt16? = nil, patience: Double = 8
    ) -> NameAnswer? {
        try? run {
            let id = UInt16.random(in: 0...UInt16.max)
            let message = Self.query(name, type, id: id, size: size)
            let socket = try Sock(transport, isIPv4: true, timeout: patience)
            try socket.connect(Peer(address, 53))
            guard transport == .tcp else {
                try socket.send(message)
                return NameAnswer(try socket.receive(), id: id)
            }
            try socket.send([UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message)
            var answer: [UInt8] = []
            while answer.count < 2 || answer.count < 2 + Int(answer[0]) << 8 + Int(answer[1]) {
                let part = try socket.receive()
                guard !part.isEmpty else { return nil }
                answer += part
            }
            return NameAnswer(Array(answer.dropFirst(2)), id: id)
        } ?? nil
    }
}

/// A name server somewhere else, which answers as it is told.
final class NameStub: Sendable {
    private let udp: Sock
    private let tcp: Sock
    /// How many queries came.
    let asked = Counter()

    /// - Parameter answer: the message for a query, over TCP or not; nil to stay silent
    init(
        in namespace: Namespace, _ address: String,
        _ answer: @escaping @Sendable (Query, Bool) -> [UInt8]?
    ) throws {
        let (udp, tcp) = try namespace.run {
            let udp = try Sock(.udp, isIPv4: true, timeout: 0)
            try udp.bind(Peer(address, 53))
            let tcp = try Sock(.tcp, isIPv4: true, timeout: 0)
            try tcp.bind(Peer(address, 53))
            try tcp.listen()
            return (udp, tcp)
        }
        self.udp = udp
        self.tcp = tcp
        detached { [asked] in
            while let (bytes, peer) = try? udp.receiveFrom(), !bytes.isEmpty {
                asked.increase()
                guard case .query(let query) = Query.read(bytes), let reply = answer(query, false) else {
                    continue
                }
                try? udp.send(reply, to: peer)
            }
        }
        detached { [asked] in
            while let (client, _) = try? tcp.accept() {
                client.setTimeout(5)
                var bytes: [UInt8] = []
                while bytes.count < 2 || bytes.count < 2 + Int(bytes[0]) << 8 + Int(bytes[1]),
                    let part = try? client.receive(), !part.isEmpty
                {
                    bytes += part
                }
                asked.increase()
                guard case .query(let query) = Query.read(Array(bytes.dropFirst(2))),
                    let reply = answer(query, true)
                else { continue }
                try? client.send([UInt8(reply.count >> 8), UInt8(reply.count & 0xff)] + reply)
            }
        }
    }

    /// Answers every name with one address.
    convenience init(in namespace: Namespace, _ address: String, says record: [UInt8]) throws {
        try self.init(in: namespace, address) { query, isStream in
            Answer.make(to: query, [.address(record)], isStream: isStream)
        }
    }

    deinit { for socket in [udp, tcp] { shutdown(socket.raw, Int32(SHUT_RDWR)) } }
}
