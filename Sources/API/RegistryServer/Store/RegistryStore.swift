import GRDB
import Glibc
import LinuxKernel
import OCIModel

/// The content of a registry on disk. Everything blocks; callers are on threads that may.
///
/// A blob's file gets its name before the record of it is committed, and loses its name after the record is gone: what
/// the database names is always there. Files that nothing names are what a crash leaves, and the collector takes them.
final class RegistryStore: Sendable {
    let database: RegistryDatabase
    let blobs: BlobFolder
    let uploads: UploadTable
    let lock = CommitLock()
    let recent = RecentLinks()
    let limits: StoreLimits
    private let guardFile: Descriptor

    /// - Throws: `RegistryError` (`storeInUse`), `SystemCallError`, `DatabaseError`
    init(root: String, limits: StoreLimits) throws {
        self.limits = limits
        try makeDirectories(root, mode: 0o700)
        guardFile = try openFile("\(root)/lock", O_RDWR | O_CREAT, mode: 0o600)
        let raw = guardFile.rawValue
        do throws(SystemCallError) {
            try systemCall("flock", "\(root)/lock") { flock(raw, LOCK_EX | LOCK_NB) }
        } catch {
            throw RegistryError(
                .storeInUse, "another skiff-registry uses \(root): stop it first, or choose another --root",
                cause: error)
        }
        blobs = try BlobFolder(root: root)
        database = try RegistryDatabase(folder: root)
        uploads = try UploadTable(folder: "\(root)/uploads")
    }

    func close() throws { try database.close() }

    /// Seconds since 1970.
    static var now: Int64 { Timestamp.now.seconds }
}

/// Bounds of what a store takes.
struct StoreLimits: Sendable {
    /// Bytes of all blobs, manifests and unfinished uploads together; nil for no bound.
    var total: Int64?
    /// The same of one repository.
    var repository: Int64?
    /// For how long a blob without a manifest is kept, in seconds.
    var grace: Int64 = 24 * 3600
}
