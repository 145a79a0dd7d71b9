import Glibc
import LinuxKernel
import Logging

/// What makes tools that look for Docker find Skiff, besides its socket and its names.
enum DropIn {
    private static let dockerRoot = "/var/lib/docker"

    /// Lets Docker's data root lead to Skiff's, unless there is one already.
    static func linkDataRoot(_ dataRoot: String, logger: Logger) throws {
        var status = stat()
        if lstat(dockerRoot, &status) == 0 {
            logger.info("data root of another engine left alone", metadata: ["path": "\(dockerRoot)"])
            return
        }
        guard dataRoot != dockerRoot else { return }
        try systemCall("symlink", dockerRoot) { symlink(dataRoot, dockerRoot) }
        logger.info("data root linked", metadata: ["path": "\(dockerRoot)", "target": "\(dataRoot)"])
    }
}
