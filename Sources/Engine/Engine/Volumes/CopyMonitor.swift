import Glibc
import ImageStore
import LinuxKernel
import Synchronization

/// How far a copy is.
package struct VolumeCopyProgress: Sendable, Hashable {
    /// Bytes of files that are there, those included that share their blocks with the source's.
    package var bytes: Int64 = 0
    package var sharedBytes: Int64 = 0
    /// What the source occupies on its disk; only about what `bytes` comes to.
    package var total: Int64 = 0
}

/// Adds up how far a copy is, and can call it off.
final class CopyMonitor: CopyObserver {
    private let progress: Mutex<VolumeCopyProgress>
    private let isCancelled = Atomic(false)
    private let report: @Sendable (VolumeCopyProgress) -> Void

    init(total: Int64, report: @escaping @Sendable (VolumeCopyProgress) -> Void) {
        progress = Mutex(VolumeCopyProgress(total: total))
        self.report = report
    }

    func cancel() { isCancelled.store(true, ordering: .relaxed) }

    /// - Throws: ECANCELED where it was called off
    func add(_ bytes: Int64, isShared: Bool) throws(SystemCallError) {
        if isCancelled.load(ordering: .relaxed) { throw SystemCallError(call: "copy", errno: ECANCELED) }
        if bytes == 0 { return }
        report(
            progress.withLock { progress in
                progress.bytes += bytes
                if isShared { progress.sharedBytes += bytes }
                return progress
            })
    }

    var result: VolumeCopyProgress { progress.withLock { $0 } }
}
