import Synchronization

/// All containers of the engine by id and name. Answers at once; nothing under its lock waits.
final class ContainerRegistry: Sendable {
    private struct State {
        var containers: [String: Container] = [:]
        /// Name → id; also of names that are being taken.
        var names: [String: String] = [:]
    }

    private let state = Mutex(State())

    var all: [Container] { state.withLock { Array($0.containers.values) } }

    var count: Int { state.withLock { $0.containers.count } }

    /// By id, by name (with or without its slash), by unambiguous beginning of an id: in this order.
    /// - Throws: `EngineError` in Docker's words
    func find(_ reference: String) throws(EngineError) -> Container {
        let found: Result<Container, EngineError> = state.withLock { state in
            if let container = state.containers[reference] { return .success(container) }
            let name = reference.hasPrefix("/") ? String(reference.dropFirst()) : reference
            if let id = state.names[name], let container = state.containers[id] { return .success(container) }
            return Self.findPrefix(reference, state.containers)
        }
        return try found.get()
    }

    private static func findPrefix(
        _ prefix: String, _ containers: [String: Container]
    ) -> Result<Container, EngineError> {
        guard !prefix.isEmpty, prefix.utf8.allSatisfy(isHexadecimal) else {
            return .failure(.noSuchContainer(prefix))
        }
        var match: Container?
        for (id, container) in containers where id.hasPrefix(prefix) {
            if match != nil {
                return .failure(
                    EngineError(.ambiguousReference, "Multiple IDs found with provided prefix: \(prefix)"))
            }
            match = container
        }
        return match.map { .success($0) } ?? .failure(.noSuchContainer(prefix))
    }

    /// Reserves a name for an id.
    /// - Throws: `.nameInUse` in Docker's words
    func take(name: String, for id: String) throws(EngineError) {
        let holder: String? = state.withLock { state in
            if let holder = state.names[name] { return holder }
            state.names[name] = id
            return nil
        }
        guard let holder else { return }
        throw EngineError(
            .nameInUse,
            "Conflict. The container name \"/\(name)\" is already in use by container \"\(holder)\". You have to remove "
                + "(or rename) that container to be able to reuse that name.")
    }

    func release(name: String, of id: String) {
        state.withLock { state in if state.names[name] == id { state.names[name] = nil } }
    }

    func isTaken(name: String) -> Bool { state.withLock { $0.names[name] != nil } }

    func add(_ container: Container) { state.withLock { $0.containers[container.id] = container } }

    func remove(_ id: String, name: String) {
        state.withLock { state in
            state.containers[id] = nil
            if state.names[name] == id { state.names[name] = nil }
        }
    }
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
            throw .invalid(
                "Invalid container name (\(text)), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        }
        return name
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
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
