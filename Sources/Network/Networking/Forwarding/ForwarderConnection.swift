import Glibc
import JSONCodec
import LinuxKernel

/// The control connection to `skiff-net`: one JSON object per line each way, sockets along with the lines of `add`.
final class ForwarderConnection {
    /// Descriptors of one message; the kernel takes 253.
    private static let portsPerMessage = 128

    private let descriptor: Descriptor
    private var buffer: [UInt8] = []
    private var number: Int64 = 0

    init(_ descriptor: consuming Descriptor) throws(SystemCallError) {
        let raw = descriptor.rawValue
        // It answers within microseconds; one that does not is as good as dead.
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        try systemCall("setsockopt", "SO_RCVTIMEO") {
            setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        self.descriptor = descriptor
    }

    var rawValue: Int32 { descriptor.rawValue }

    /// What the process holds.
    struct Held {
        /// Of the protocol; what it can be asked for.
        var version: Int64
        var ports: Set<String>
        /// The processes of the containers that it answers.
        var resolvers: [String: Int64]
    }

    /// Has it drop everything but these ports, endpoints' names and containers.
    func synchronize(
        ports: [String], endpoints: [String], containers: [String]
    ) throws(SystemCallError) -> Held {
        let answer = try call([
            "op": "sync", "keys": .strings(ports), "endpoints": .strings(endpoints),
            "containers": .strings(containers),
        ])
        var resolvers: [String: Int64] = [:]
        for (container, process) in answer["resolvers"]?.objectValue ?? JSONObject() {
            resolvers[container] = process.integerValue
        }
        return Held(
            version: answer["protocol"]?.integerValue ?? 1,
            ports: Set((answer["keys"]?.arrayValue ?? []).compactMap { $0.stringValue }), resolvers: resolvers
        )
    }

    /// - Parameter ports: each with its socket
    func add(_ ports: [ForwardedPort]) throws(SystemCallError) {
        var rest = ports[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.portsPerMessage)
            rest = rest.dropFirst(part.count)
            let list = part.map { port -> JSONValue in
                [
                    "key": .string(port.key), "protocol": .string(port.transport.rawValue),
                    "address": .string(port.target.description), "port": .integer(Int64(port.targetPort)),
                ]
            }
            _ = try call(["op": "add", "ports": .array(list)], part.compactMap(\.socket))
        }
    }

    func remove(_ keys: [String]) throws(SystemCallError) {
        _ = try call(["op": "remove", "keys": .strings(keys)])
    }

    /// Has it end.
    func end() throws(SystemCallError) { _ = try call(["op": "exit"]) }

    /// Waits until the other side has closed.
    func waitForEnd() {
        while let received = try? receiveMessage(rawValue, blocking: true), !received.bytes.isEmpty {}
    }

    func call(
        _ members: KeyValuePairs<String, JSONValue>, _ descriptors: [SharedDescriptor] = []
    ) throws(SystemCallError) -> JSONValue {
        number += 1
        var request = JSONObject()
        request["id"] = .integer(number)
        for (name, value) in members { request[name] = value }
        try send(JSONValue.object(request).bytes() + [UInt8(ascii: "\n")], descriptors)
        while true {
            let line = try readLine()
            guard let answer = try? JSONValue(parsing: line) else {
                throw SystemCallError(call: "skiff-net", errno: EBADMSG, subject: "an answer that is no JSON")
            }
            guard answer["id"]?.integerValue == number else { continue }
            if let error = answer["error"]?.stringValue {
                throw SystemCallError(call: "skiff-net", errno: EREMOTEIO, subject: error)
            }
            return answer
        }
    }

    private func send(_ bytes: [UInt8], _ descriptors: [SharedDescriptor]) throws(SystemCallError) {
        var rest = bytes[...]
        var descriptors = descriptors
        while !rest.isEmpty {
            do throws(SystemCallError) {
                rest = rest.dropFirst(try sendMessage(rawValue, rest, descriptors))
                descriptors = []
            } catch {
                guard error.errno == EAGAIN else { throw error }
                var source = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                guard poll(&source, 1, 5000) > 0 else { throw error }
            }
        }
    }

    private func readLine() throws(SystemCallError) -> [UInt8] {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer.removeSubrange(...end) }
                return Array(buffer[..<end])
            }
            let received = try receiveMessage(rawValue, blocking: true)
            guard !received.bytes.isEmpty else {
                throw SystemCallError(call: "recv", errno: ECONNRESET, subject: "skiff-net")
            }
            buffer += received.bytes
        }
    }
}

extension JSONValue {
    static func strings(_ values: some Sequence<String>) -> JSONValue { .array(values.map { .string($0) }) }
}
