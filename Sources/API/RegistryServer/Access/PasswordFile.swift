import CCrypt
import Crypto
import Glibc
import LinuxKernel
import Synchronization

/// Users and their passwords in the form of Apache's htpasswd: `name:hash` a line. Hashes are those of crypt(3) that are
/// worth having: bcrypt (`htpasswd -B`), yescrypt, SHA-512 and SHA-256.
final class PasswordFile: Sendable {
    private struct State {
        var hashes: [String: String] = [:]
        /// Digests of name, hash and password that were right, by a key of this process; a bcrypt costs 2 to 100 ms.
        var verified: Set<[UInt8]> = []
    }

    private let path: String
    private let state: Mutex<State>
    private let key = SymmetricKey(size: .bits256)
    private static let prefixes = ["$2y$", "$2b$", "$2a$", "$y$", "$6$", "$5$"]
    private static let cacheLimit = 4096
    /// Takes as long as a real one, so that a name that does not exist is not told by the clock.
    private static let nobody = "$2y$10$abcdefghijklmnopqrstuuWW8yXqJfZpI0kMv4EuoS0b1YzrKJxQq"

    /// - Throws: `RegistryError` (`configurationInvalid`), `SystemCallError`
    init(path: String) throws {
        self.path = path
        state = Mutex(State(hashes: try Self.parse(try readFile(path, limit: 16 << 20), path)))
    }

    /// Reads the file anew. After a failure the old content stays in use.
    func reload() throws {
        let hashes = try Self.parse(try readFile(path, limit: 16 << 20), path)
        state.withLock { $0 = State(hashes: hashes) }
    }

    static func parse(_ bytes: [UInt8], _ path: String) throws(RegistryError) -> [String: String] {
        var hashes: [String: String] = [:]
        for (index, raw) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            var text = String(decoding: raw, as: UTF8.self)[...]
            while text.last == " " || text.last == "\r" || text.last == "\t" { text.removeLast() }
            if text.isEmpty || text.hasPrefix("#") { continue }
            guard let colon = text.firstIndex(of: ":"), colon > text.startIndex else {
                throw RegistryError(.configurationInvalid, "\(path): line \(index + 1) is not NAME:HASH")
            }
            let hash = String(text[text.index(after: colon)...])
            guard prefixes.contains(where: hash.hasPrefix) else {
                throw RegistryError(
                    .configurationInvalid,
                    "\(path): the hash in line \(index + 1) is of a kind that is not safe or not known: use htpasswd -B"
                )
            }
            hashes[String(text[..<colon])] = hash
        }
        return hashes
    }

    /// Changes when the user's password does; nil where there is no such user. Tells nothing about the password.
    func stamp(_ user: String) -> String? {
        guard let hash = state.withLock({ $0.hashes[user] }) else { return nil }
        return Base64.encodeURL(Array(SHA256.hash(data: Array("stamp\0\(user)\0\(hash)".utf8))).prefix(16))
    }

    /// Whether the password is known to be the user's; costs no hash. False says nothing.
    func isVerified(_ user: String, _ password: [UInt8]) -> Bool {
        guard let hash = state.withLock({ $0.hashes[user] }) else { return false }
        let proof = proof(user, hash, password)
        return state.withLock { $0.verified.contains(proof) }
    }

    /// Whether the password is the user's. Blocks, for as long as the hash costs, the first time.
    func verify(_ user: String, _ password: [UInt8]) -> Bool {
        let hash = state.withLock { $0.hashes[user] }
        let proof = proof(user, hash ?? "", password)
        if hash != nil, state.withLock({ $0.verified.contains(proof) }) { return true }
        guard Self.check(password, hash ?? Self.nobody), let hash else { return false }
        state.withLock { state in
            guard state.hashes[user] == hash else { return }
            if state.verified.count >= Self.cacheLimit { state.verified = [] }
            state.verified.insert(proof)
        }
        return true
    }

    private func proof(_ user: String, _ hash: String, _ password: [UInt8]) -> [UInt8] {
        var mac = HMAC<SHA256>(key: key)
        mac.update(data: Array(user.utf8) + [0] + Array(hash.utf8) + [0] + password)
        return Array(mac.finalize())
    }

    private static func check(_ password: [UInt8], _ hash: String) -> Bool {
        guard !password.contains(0), password.count < 512 else { return false }
        let data = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
        memset(data, 0, MemoryLayout<crypt_data>.size)
        defer { data.deallocate() }
        let phrase = (password + [0]).map { CChar(bitPattern: $0) }
        guard let result = crypt_r(phrase, hash, data) else { return false }
        let found = Array(UnsafeBufferPointer(start: result, count: strlen(result))).map(
            UInt8.init(bitPattern:))
        return equal(found, Array(hash.utf8))
    }

    /// In a time that does not depend on where the first difference is.
    private static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
