import Synchronization

/// All containers of the engine by id and name. Answers at once; nothing under its lock waits.
final class ContainerRegistry: Sendable {
    private let index = Mutex(ReferenceIndex<Container>())

    var all: [Container] { index.withLock { Array($0.values.values) } }

    /// By id, by name (with or without its slash), by unambiguous beginning of an id: in this order.
    /// - Throws: `EngineError` in Docker's words
    func find(_ reference: String) throws(EngineError) -> Container {
        switch index.withLock({ $0.find(reference) }) {
        case .one(let container): return container
        case .none: throw .noSuchContainer(reference)
        case .several:
            throw EngineError(.ambiguousReference, "Multiple IDs found with provided prefix: \(reference)")
        }
    }

    /// Reserves a name for an id.
    /// - Throws: `.nameInUse` in Docker's words
    func take(name: String, for id: String) throws(EngineError) {
        guard let holder = index.withLock({ $0.take(name: name, for: id) }) else { return }
        throw EngineError(
            .nameInUse,
            "Conflict. The container name \"/\(name)\" is already in use by container \"\(holder)\". You have to remove "
                + "(or rename) that container to be able to reuse that name.")
    }

    func release(name: String, of id: String) { index.withLock { $0.release(name: name, of: id) } }

    func add(_ container: Container) { index.withLock { $0.values[container.id] = container } }

    func remove(_ id: String, name: String) {
        index.withLock { index in
            index.values[id] = nil
            index.release(name: name, of: id)
            index.releaseLinks(to: id)
        }
    }

    /// Lets a container be found as `web/db` too, which is what `web` calls it.
    /// - Returns: whether the name was free
    func take(link name: String, to id: String) -> Bool { index.withLock { $0.take(link: name, to: id) } }

    func release(link name: String) { index.withLock { $0.release(link: name) } }

    /// The names that links give a container, `web/db`, in order.
    func linkNames(of id: String) -> [String] { index.withLock { $0.linkNames(of: id) } }
}

/// Things that have an id of 64 hexadecimal digits and a name.
struct ReferenceIndex<Value> {
    enum Match {
        case none, several
        case one(Value)
    }

    var values: [String: Value] = [:]
    /// Name → id; also of names that are being taken, and of links: `web/db`.
    private var names: [String: String] = [:]
    /// Id → the names that are links'.
    private var links: [String: Set<String>] = [:]

    func find(_ reference: String) -> Match {
        if let value = values[reference] { return .one(value) }
        let name = reference.hasPrefix("/") ? String(reference.dropFirst()) : reference
        if let id = names[name], let value = values[id] { return .one(value) }
        guard !reference.isEmpty, reference.utf8.allSatisfy(isHexadecimal) else { return .none }
        var match = Match.none
        for (id, value) in values where id.hasPrefix(reference) {
            if case .one = match { return .several }
            match = .one(value)
        }
        return match
    }

    /// - Returns: the id that has the name already; nil where it was free
    mutating func take(name: String, for id: String) -> String? {
        if let holder = names[name] { return holder }
        names[name] = id
        return nil
    }

    mutating func release(name: String, of id: String) { if names[name] == id { names[name] = nil } }

    // MARK: Links

    mutating func take(link name: String, to id: String) -> Bool {
        guard take(name: name, for: id) == nil else { return false }
        links[id, default: []].insert(name)
        return true
    }

    mutating func release(link name: String) {
        guard let id = names[name], links[id]?.remove(name) != nil else { return }
        names[name] = nil
        if links[id]?.isEmpty == true { links[id] = nil }
    }

    mutating func releaseLinks(to id: String) {
        for name in links.removeValue(forKey: id) ?? [] { names[name] = nil }
    }

    func linkNames(of id: String) -> [String] { (links[id] ?? []).sorted() }
}

/// The names that containers may have.
enum ContainerName {
    /// Without the slash.
    /// - Throws: in Docker's words
    static func checked(_ text: String) throws(EngineError) -> String {
        let name = text.hasPrefix("/") ? String(text.dropFirst()) : text
        let bytes = Array(name.utf8)
        let isValid =
            bytes.count >= 2 && isAlphanumeric(bytes[0])
            && bytes.dropFirst().allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
        guard isValid else {
            throw .invalid("Invalid container name (\(text)), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        }
        return name
    }
}

func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
}

func isHexadecimal(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }

/// 64 hexadecimal digits of chance.
func randomID() -> String {
    let digits = Array("0123456789abcdef".utf8)
    var generator = SystemRandomNumberGenerator()
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for _ in 0..<4 {
        var word = generator.next()
        for _ in 0..<16 {
            text.append(digits[Int(word & 15)])
            word >>= 4
        }
    }
    return String(decoding: text, as: UTF8.self)
}
