import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// What an instance's networks are, kept in `networks.json` of the state directory: the ids of the predefined ones, and
/// the whole record of those that users made.
struct NetworkStore {
    struct Identity: Codable, Sendable {
        var id: String
        var created: Timestamp
    }

    private struct File: Codable {
        var version = 2
        /// Of the predefined networks, by name.
        var networks: [String: Identity] = [:]
        /// Those that users made; absent in version 1.
        var records: [NetworkRecord]?
        /// The /48 that IPv6 networks without a subnet of their own are cut from; made when it is first needed.
        var localPrefix: AddressBlock?
    }

    private let path: String
    private var file: File

    /// Reads the file; a new one where there is none.
    /// - Throws: `NetworkError` (`invalidConfiguration`) where the file cannot be read: ids that change would orphan
    ///   what refers to them
    init(directory: String) throws(NetworkError) {
        path = "\(directory)/networks.json"
        do {
            try makeDirectories(directory, mode: 0o700)
            guard fileExists(path) else {
                file = File()
                return
            }
            file = try JSONValue(parsing: try readFile(path)).decode(File.self)
            file.version = 2
        } catch {
            throw NetworkError(
                .invalidConfiguration,
                "cannot read the networks from \(path): \(error); restore or remove the file",
                cause: error)
        }
    }

    /// The networks that users made, oldest first.
    var records: [NetworkRecord] { file.records ?? [] }

    /// The identity of a predefined network, made now if need be.
    mutating func identity(_ name: String) throws(NetworkError) -> Identity {
        if let known = file.networks[name] { return known }
        let made = Identity(id: randomIdentifier(), created: .now)
        try change { $0.networks[name] = made }
        return made
    }

    mutating func add(_ record: NetworkRecord) throws(NetworkError) {
        try change { $0.records = ($0.records ?? []) + [record] }
    }

    mutating func remove(id: String) throws(NetworkError) {
        try change { $0.records?.removeAll { $0.id == id } }
    }

    /// A prefix of unique local addresses (RFC 4193, section 3.2), the same for the life of the instance.
    mutating func localPrefix() throws(NetworkError) -> AddressBlock {
        if let known = file.localPrefix { return known }
        let identifier = UInt128(UInt64.random(in: 0..<(1 << 40)))
        let address = IPAddress.v6(IPv6Address((UInt128(0xfd) << 40 | identifier) << 80))
        guard let made = AddressBlock(address, prefixLength: 48) else {
            throw NetworkError(.exhausted, "no IPv6 prefix could be made")
        }
        try change { $0.localPrefix = made }
        return made
    }

    /// Durable when it returns, unchanged where it throws.
    private mutating func change(_ body: (inout File) -> Void) throws(NetworkError) {
        var changed = file
        body(&changed)
        do {
            try replaceFile(path, try JSONValue(encoding: changed).bytes(.pretty), mode: 0o600, durable: true)
        } catch {
            throw NetworkError(.kernel, "cannot keep the networks in \(path): \(error)", cause: error)
        }
        file = changed
    }
}

/// 64 random hexadecimal digits, the form of Docker's ids.
func randomIdentifier() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<4).map { _ in
        let digits = String(generator.next() as UInt64, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }.joined()
}
