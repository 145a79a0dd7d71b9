import Glibc
import LinuxKernel
import Logging

/// Deletes folders in the background: a rename takes them away at once, a thread deletes them. The thread lives only
/// while there is something to delete. What a crash leaves is deleted when the store opens.
final class TrashCollector: @unchecked Sendable {
    private let folder: String
    private let logger: Logger
    private let monitor = Monitor()
    private var waiting: [String] = []
    private var isRunning = false

    init(folder: String, logger: Logger) {
        self.folder = folder
        self.logger = logger
    }

    /// Takes a folder away; one that does not exist is no failure.
    /// - Throws: `SystemCallError` where it could not be renamed
    func discard(_ path: String) throws(SystemCallError) {
        let target = "\(folder)/\(UInt64.random(in: 0...UInt64.max))"
        if rename(path, target) != 0 {
            if errno == ENOENT { return }
            throw SystemCallError(call: "rename", subject: path)
        }
        enqueue(target)
    }

    /// Deletes what lies in the trash already.
    func collectLeftovers() throws(SystemCallError) {
        for name in try namesInFolder(folder) { enqueue("\(folder)/\(name)") }
    }

    /// Waits until everything that was discarded so far is deleted.
    func waitUntilEmpty() {
        monitor.withLock { while isRunning { monitor.wait() } }
    }

    private func enqueue(_ path: String) {
        let mustStart = monitor.withLock {
            waiting.append(path)
            defer { isRunning = true }
            return !isRunning
        }
        guard mustStart else { return }
        // Without a thread it is deleted here and now.
        do {
            try WorkerThread.detach { self.run() }
        } catch {
            run()
        }
    }

    private func run() {
        while let path = next() {
            do {
                try? DirectoryQuota.release(directory: path)
                try removeTree(path)
            } catch {
                logger.warning(
                    "could not delete discarded files", metadata: ["path": "\(path)", "error": "\(error)"])
            }
        }
    }

    private func next() -> String? {
        monitor.withLock {
            if let path = waiting.popLast() { return path }
            isRunning = false
            monitor.wakeAll()
            return nil
        }
    }
}
