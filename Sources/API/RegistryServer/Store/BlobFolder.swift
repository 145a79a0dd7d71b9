import Glibc
import LinuxKernel
import OCIModel

/// The files of blobs: `blobs/<algorithm>/<first two digits>/<value>`. A file below such a name is whole and right, from
/// the moment it has the name.
struct BlobFolder: Sendable {
    let path: String

    init(root: String) throws {
        path = "\(root)/blobs"
        for algorithm in Digest.Algorithm.allCases { try makeDirectories("\(path)/\(algorithm.rawValue)") }
    }

    func file(_ digest: Digest) -> String {
        "\(path)/\(digest.algorithm.rawValue)/\(digest.hex.prefix(2))/\(digest.hex)"
    }

    /// Whether the file of a blob is there, and as long as it has to be.
    func contains(_ digest: Digest, size: Int64) -> Bool {
        var status = stat()
        return lstat(file(digest), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && Int64(status.st_size) == size
    }

    /// - Throws: `RegistryError` (`contentCorrupted`) where the file is missing
    func open(_ digest: Digest) throws -> SharedDescriptor {
        do throws(SystemCallError) {
            return SharedDescriptor(try openFile(file(digest), O_RDONLY | O_NOFOLLOW))
        } catch {
            guard error.errno == ENOENT else { throw error }
            throw RegistryError(
                .contentCorrupted, "the file of blob \(digest) is missing in \(path): push the blob again",
                cause: error)
        }
    }

    /// Gives a complete, synced file its name, durably.
    func adopt(_ temporary: String, as digest: Digest) throws {
        let target = file(digest)
        do throws(SystemCallError) {
            try systemCall("rename", target) { rename(temporary, target) }
        } catch {
            guard error.errno == ENOENT else { throw error }
            let folder = String(target[..<(target.lastIndex(of: "/") ?? target.endIndex)])
            try makeDirectories(folder)
            try syncFolder(of: folder)
            try systemCall("rename", target) { rename(temporary, target) }
        }
        try syncFolder(of: target)
    }

    /// - Returns: whether there was such a file
    @discardableResult
    func remove(_ digest: Digest) throws -> Bool {
        let target = file(digest)
        if unlink(target) == 0 { return true }
        guard errno == ENOENT else { throw SystemCallError(call: "unlink", subject: target) }
        return false
    }

    /// The folders that blobs lie in.
    func folders() throws -> [(algorithm: Digest.Algorithm, name: String)] {
        try Digest.Algorithm.allCases.flatMap { algorithm in
            try names("\(path)/\(algorithm.rawValue)").sorted().map { (algorithm, $0) }
        }
    }

    func digests(in folder: (algorithm: Digest.Algorithm, name: String)) throws -> [Digest] {
        try names("\(path)/\(folder.algorithm.rawValue)/\(folder.name)").compactMap {
            Digest(algorithm: folder.algorithm, hex: $0)
        }
    }

    private func names(_ folder: String) throws -> [String] {
        let directory = try openFile(folder, O_RDONLY | O_DIRECTORY)
        return try directoryNames(of: directory.rawValue).map(displayName)
    }
}
