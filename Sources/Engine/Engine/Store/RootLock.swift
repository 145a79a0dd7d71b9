import Glibc
import LinuxKernel

/// Possession of a root folder by one engine; ends with the process at the latest.
///
/// A record lock is the process's own. One that goes with the open file (`flock`) is held by children too, until they
/// have executed their program: a daemon killed while it spawned a shim could not be started again for a moment.
/// The lock ends when the process closes any descriptor of the file: nothing else may open it.
final class RootLock: Sendable {
    private let file: SharedDescriptor

    /// - Throws: `.rootInUse` where another engine has it
    init(_ folder: String) throws(EngineError) {
        do throws(SystemCallError) {
            try makeDirectories(folder, mode: 0o711)
            file = SharedDescriptor(try openFile("\(folder)/lock", O_RDWR | O_CREAT, mode: 0o600))
        } catch {
            throw EngineError(.systemCallFailed, "cannot use \(folder): \(error)", cause: error)
        }
        var record = flock()
        record.l_type = Int16(F_WRLCK)
        record.l_whence = Int16(SEEK_SET)
        if fcntl(file.rawValue, F_SETLK, &record) == 0 { return }
        let reason = errno
        guard reason == EAGAIN || reason == EACCES else {
            throw EngineError(
                .systemCallFailed, "cannot lock \(folder): \(String(cString: strerror(reason)))")
        }
        throw EngineError(
            .rootInUse,
            "another engine is using \(folder): stop it, or choose other folders with --data-root and --exec-root"
        )
    }
}
