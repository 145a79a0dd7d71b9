import Glibc
import LinuxKernel
import Netlink

/// A network namespace of the test's own. What runs in it runs on a thread that has entered it; the rest of the test's
/// process stays where it is.
final class Namespace: Sendable {
    let descriptor: SharedDescriptor

    init() throws {
        descriptor = try onThread {
            try unshareNamespaces(.network)
            let own = SharedDescriptor(try openFile("/proc/thread-self/ns/net", O_RDONLY))
            var batch = MessageBatch()
            batch.setLinkUp(1, name: "lo")
            try NetlinkSocket(NetlinkProtocol.route).transact(batch)
            return own
        }
    }

    /// Runs `body` on a thread inside; threads and processes that it starts are inside too.
    func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) throws -> T {
        let raw = descriptor.rawValue
        return try onThread {
            try joinNamespaces(raw, .network)
            return try body()
        }
    }

    /// Runs a shell command inside.
    /// - Returns: what it printed, both streams
    @discardableResult
    func shell(_ command: String) throws -> String {
        try run {
            guard let pipe = popen("{ \(command); } 2>&1", "r") else { throw SystemCallError(call: "popen") }
            var text: [UInt8] = []
            while case let byte = fgetc(pipe), byte != EOF { text.append(UInt8(truncatingIfNeeded: byte)) }
            let output = String(decoding: text, as: UTF8.self)
            let status = pclose(pipe)
            guard status == 0 else { throw ShellError(command: command, status: status, output: output) }
            return output
        }
    }

    func setting(_ name: String, _ value: String) throws {
        try run { try writeControlFile("/proc/sys/net/\(name)", value) }
    }

    /// Connects this namespace with another one, with addresses on both ends.
    func link(
        _ name: String, _ addresses: [String], to other: Namespace, _ otherName: String,
        _ otherAddresses: [String]
    ) throws {
        let number = other.descriptor.rawValue
        // `ip` takes a namespace by a path, and its own descriptors are not ours.
        let path = "/proc/\(getpid())/fd/\(number)"
        try shell(
            "ip link add \(name) type veth peer name \(otherName) netns \(path) && ip link set \(name) up")
        try other.shell("ip link set \(otherName) up")
        for address in addresses { try shell("ip address add \(address) dev \(name)" + Self.suffix(address)) }
        for address in otherAddresses {
            try other.shell("ip address add \(address) dev \(otherName)" + Self.suffix(address))
        }
    }

    private static func suffix(_ address: String) -> String { address.contains(":") ? " nodad" : "" }
}

struct ShellError: Error, CustomStringConvertible {
    let command: String
    let status: Int32
    let output: String
    var description: String { "\(command): status \(status): \(output)" }
}

private final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

private final class Outcome<T: Sendable>: @unchecked Sendable {
    var result: Result<T, any Error>?
}

/// Runs `body` on a thread that ends afterwards, and waits for it.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) throws -> T {
    let outcome = Outcome<T>()
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work { outcome.result = Result { try body() } })
    let failure = pthread_create(
        &thread, nil,
        { raw in
            if let raw { Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body() }
            return nil
        }, work.toOpaque())
    guard failure == 0 else { throw SystemCallError(call: "pthread_create", errno: failure) }
    pthread_join(thread, nil)
    guard let result = outcome.result else { throw SystemCallError(call: "pthread_join", errno: EINVAL) }
    return try result.get()
}

/// Runs `body` on a thread that nobody waits for.
func detached(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body))
    pthread_create(
        &thread, nil,
        { raw in
            if let raw { Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body() }
            return nil
        }, work.toOpaque())
    pthread_detach(thread)
}
