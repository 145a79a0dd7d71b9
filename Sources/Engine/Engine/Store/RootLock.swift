import Glibc
import LinuxKernel

/// Possession of a root folder by one engine; ends with the process at the latest.
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
        if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { return }
        throw EngineError(
            .rootInUse,
            "another engine is using \(folder): stop it, or choose other folders with --data-root and --exec-root"
        )
    }
}
