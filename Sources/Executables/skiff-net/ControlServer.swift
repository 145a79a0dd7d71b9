import CLinux
import Glibc
import JSONCodec
import LinuxKernel

/// Accepts the daemon's connections on the control socket.
final class ControlServer: EventHandler {
    private let listener: SharedDescriptor
    private let loop: EventLoop
    private let ports: ForwardedPorts
    private let names: NameService
    private var connections: [Int32: ControlConnection] = [:]

    init(
        _ descriptor: Int32, _ loop: EventLoop, _ ports: ForwardedPorts, _ names: NameService
    ) throws(SystemCallError) {
        listener = SharedDescriptor(Descriptor(owning: descriptor))
        self.loop = loop
        self.ports = ports
        self.names = names
        try systemCall("fcntl") { fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        try systemCall("fcntl") { fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        try loop.add(descriptor, self)
    }

    func handle(_ events: Events, on descriptor: Int32) {
        while true {
            let accepted = skiff_accept_nonblocking(listener.rawValue)
            guard accepted >= 0 else { return }
            let connection = ControlConnection(Descriptor(owning: accepted), loop, ports, names) {
                [weak self] in self?.connections[accepted] = nil
            }
            // Without a place in the loop it is closed at once, and the daemon tries again.
            guard (try? loop.add(accepted, connection)) != nil else { continue }
            connections[accepted] = connection
        }
    }
}

/// One connection of the daemon: a JSON object per line each way; sockets come along with the line that names them.
final class ControlConnection: EventHandler {
    private static let lineLimit = 4 << 20
    /// Counts up where the daemon has to know what it can ask for.
    private static let protocolVersion: Int64 = 2

    private let socket: SharedDescriptor
    private let loop: EventLoop
    private let ports: ForwardedPorts
    let names: NameService
    private let onEnd: () -> Void
    private var input: [UInt8] = []
    /// Sockets that came, in the order of the requests that they belong to.
    var sockets: [SharedDescriptor] = []
    private var output: [UInt8] = []
    private var endsAfterOutput = false

    init(
        _ descriptor: consuming Descriptor, _ loop: EventLoop, _ ports: ForwardedPorts,
        _ names: NameService, onEnd: @escaping () -> Void
    ) {
        socket = SharedDescriptor(descriptor)
        self.loop = loop
        self.ports = ports
        self.names = names
        self.onEnd = onEnd
    }

    func handle(_ events: Events, on descriptor: Int32) {
        do throws(SystemCallError) {
            try receive()
            try flush()
        } catch {
            if error.errno != EAGAIN { close() }
        }
    }

    private func receive() throws(SystemCallError) {
        while true {
            let received: ReceivedMessage
            do throws(SystemCallError) {
                received = try receiveMessage(socket.rawValue, limit: 16384, blocking: false)
            } catch {
                if error.errno == EAGAIN { return }
                throw error
            }
            guard !received.bytes.isEmpty else { throw SystemCallError(call: "recvmsg", errno: ECONNRESET) }
            sockets += received.descriptors
            input += received.bytes
            guard input.count <= Self.lineLimit else {
                throw SystemCallError(call: "recvmsg", errno: EMSGSIZE)
            }
            while let end = input.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(input[..<end])
                input.removeSubrange(...end)
                output += answer(line).bytes() + [UInt8(ascii: "\n")]
            }
        }
    }

    private func flush() throws(SystemCallError) {
        while !output.isEmpty {
            let raw = socket.rawValue
            let count = output.withUnsafeBytes { send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count >= 0 else { throw SystemCallError(call: "send") }
            output.removeFirst(count)
        }
        if endsAfterOutput { loop.end() }
    }

    private func answer(_ line: [UInt8]) -> JSONValue {
        guard let request = try? JSONValue(parsing: line) else { return ["error": "not a JSON object"] }
        var answer = JSONObject()
        answer["id"] = request["id"]
        switch request["op"]?.stringValue {
        case "add":
            if let failure = add(request["ports"]?.arrayValue ?? []) { answer["error"] = .string(failure) }
        case "remove":
            for key in strings(request["keys"]) { ports.remove(key) }
        case "sync":
            synchronize(request)
            answer["protocol"] = .integer(Self.protocolVersion)
            answer["keys"] = .array(ports.keys.map { .string($0) })
            answer["resolvers"] = heldResolvers
        case "names":
            changeNames(request)
        case "serve":
            if let failure = serve(request["resolvers"]?.arrayValue ?? []) {
                answer["error"] = .string(failure)
            }
        case "update":
            update(request["resolvers"]?.arrayValue ?? [])
        case "end":
            for container in strings(request["containers"]) { names.end(container) }
        case "list":
            answer["keys"] = .array(ports.keys.map { .string($0) })
        case "exit":
            endsAfterOutput = true
        default:
            answer["error"] = "unknown operation"
        }
        return .object(answer)
    }

    private func synchronize(_ request: JSONValue) {
        ports.removeAll(except: Set(strings(request["keys"])))
        names.removeAll(
            exceptEndpoints: Set(strings(request["endpoints"])),
            containers: Set(strings(request["containers"])))
    }

    func strings(_ value: JSONValue?) -> [String] {
        (value?.arrayValue ?? []).compactMap { $0.stringValue }
    }

    /// - Returns: what went wrong, of several the last; the others are served
    private func add(_ list: [JSONValue]) -> String? {
        guard list.count <= sockets.count else {
            sockets = []
            return "\(list.count) ports came with \(sockets.count) sockets"
        }
        let mine = sockets.prefix(list.count)
        sockets.removeFirst(list.count)
        var failure: String?
        for (port, descriptor) in zip(list, mine) {
            guard let key = port["key"]?.stringValue, let address = port["address"]?.stringValue,
                let number = port["port"]?.integerValue.flatMap({ UInt16(exactly: $0) }),
                let target = SocketAddress(address, port: number),
                let transport = port["protocol"]?.stringValue, transport == "tcp" || transport == "udp"
            else {
                failure = "a port lacks its key, protocol, address or port"
                continue
            }
            do throws(SystemCallError) {
                try ports.add(key, isStream: transport == "tcp", socket: descriptor, target: target)
            } catch {
                failure = "\(key): \(error)"
            }
        }
        return failure
    }

    private func close() {
        loop.remove(socket.rawValue)
        onEnd()
    }
}
