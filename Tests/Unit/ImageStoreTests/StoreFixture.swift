import GRDB
import Glibc
@testable import ImageStore
import JSONCodec
import LinuxKernel
import Logging
import OCIModel
import Synchronization
import Testing

/// A store in a folder of its own, which goes with it.
final class StoreFixture {
    let root: String
    let database: DatabaseQueue
    private(set) var store: ImageStore

    private let keepsBlobs: Bool
    private let driver: StorageDriver?

    /// - Parameters:
    ///   - keepsBlobs: whether compressed layers are kept as they came
    ///   - driver: nil for what the file system carries
    init(keepsBlobs: Bool = true, driver: StorageDriver? = nil) throws {
        self.keepsBlobs = keepsBlobs
        self.driver = driver
        root = "/tmp/skiff-imagestore-\(UInt64.random(in: 0...UInt64.max))"
        try makeDirectories(root)
        database = try DatabaseQueue(path: root + "/state.db")
        store = try Self.open(root, database, keepsBlobs, driver)
        try store.adopt([])
    }

    deinit {
        store.waitForDeletions()
        try? LinuxKernel.removeTree(root)
    }

    private static func open(
        _ root: String, _ database: DatabaseQueue, _ keepsBlobs: Bool, _ driver: StorageDriver?
    ) throws -> ImageStore {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return try ImageStore.open(
            root: root, database: database, logger: logger, keepsBlobs: keepsBlobs, driver: driver)
    }

    /// As after the end of the daemon.
    func reopen(adopting layers: [ContainerLayer] = []) throws {
        store.waitForDeletions()
        store = try Self.open(root, database, keepsBlobs, driver)
        try store.adopt(layers)
    }

    @discardableResult
    func load(_ archive: [UInt8]) throws -> LoadResult { try store.load(from: MemorySource(archive)) }

    /// Everything on the disk but the database, relative to the root.
    func files() throws -> [String] {
        store.waitForDeletions()
        var names: [String] = []
        try walkTree(root) { path, _ in if !path.hasPrefix("state.db") { names.append(path) } }
        return names.sorted()
    }

    func hasLayer(_ diffID: Digest) -> Bool { store.state.withLock { $0.layers[diffID] != nil } }

    func path(_ diffID: Digest, _ name: String = "") -> String {
        store.paths.layerContent(diffID) + (name.isEmpty ? "" : "/" + name)
    }
}

func status(_ path: String) throws -> stat {
    var status = stat()
    try systemCall("lstat", path) { lstat(path, &status) }
    return status
}

func text(_ path: String) throws -> String { String(decoding: try readFile(path), as: UTF8.self) }

/// Serializes tests that the machine could not run all at once.
func expectImageError(_ code: ImageError.Code, _ body: () throws -> Void) {
    do {
        try body()
        Issue.record("expected \(code)")
    } catch let error as ImageError {
        #expect(error.code == code, "\(error.message)")
    } catch {
        Issue.record("\(error)")
    }
}
