import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// The ids of an instance's networks, made once and kept in `networks.json` of the state directory.
struct NetworkIdentities {
    struct Identity: Codable, Sendable {
        var id: String
        var created: Timestamp
    }

    private struct File: Codable {
        var version = 1
        var networks: [String: Identity] = [:]
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
        } catch {
            throw NetworkError(
                .invalidConfiguration,
                "cannot read the networks' ids from \(path): \(error); restore or remove the file",
                cause: error)
        }
    }

    /// The identity of a network of this name, made now if need be.
    mutating func identity(_ name: String) throws(NetworkError) -> Identity {
        if let known = file.networks[name] { return known }
        let made = Identity(id: randomIdentifier(), created: .now)
        file.networks[name] = made
        do {
            try replaceFile(path, try JSONValue(encoding: file).bytes(.pretty), mode: 0o600, durable: true)
        } catch {
            throw NetworkError(.kernel, "cannot keep the networks' ids in \(path): \(error)", cause: error)
        }
        return made
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
