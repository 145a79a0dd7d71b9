import CLinux
import Glibc
import LinuxKernel
import Synchronization

/// Ends blocking calls of other threads: everything that waits on a connection also waits on this.
package final class Interrupter: Sendable {
    private let event: SharedDescriptor
    private let cancelled = Atomic(false)

    /// - Throws: `RegistryError` where the process has no descriptor left
    package init() throws {
        do {
            event = SharedDescriptor(Descriptor(owning: try rawCall("eventfd") { skiff_eventfd() }))
        } catch {
            throw RegistryError(.unavailable, "cannot wait for registries: \(error)", cause: error)
        }
    }

    package var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    /// Makes every wait, now and later, end with `RegistryError` (`cancelled`).
    package func cancel() {
        cancelled.store(true, ordering: .releasing)
        var one: UInt64 = 1
        _ = write(event.rawValue, &one, 8)
    }

    package func check() throws { if isCancelled { throw RegistryError.cancelled } }

    /// Waits until the descriptor is ready.
    /// - Parameter milliseconds: negative for no limit
    /// - Throws: `cancelled`, `timedOut`
    func wait(
        _ descriptor: Int32, _ events: Int32, milliseconds: Int32, _ what: @autoclosure () -> String
    ) throws {
        let started = monotonicMilliseconds()
        while true {
            var polled = [
                pollfd(fd: event.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: descriptor, events: Int16(events), revents: 0),
            ]
            let left =
                milliseconds < 0 ? -1 : max(0, Int64(milliseconds) - (monotonicMilliseconds() - started))
            let count = poll(&polled, nfds_t(descriptor < 0 ? 1 : 2), Int32(left))
            try check()
            if count > 0 { return }
            if count < 0, errno != EINTR {
                throw RegistryError(.internal, "poll: \(String(cString: strerror(errno)))")
            }
            if count == 0, milliseconds >= 0, monotonicMilliseconds() - started >= milliseconds {
                if descriptor < 0 { return }
                throw RegistryError(.timedOut, "\(what()): no answer in time", isTransient: true)
            }
        }
    }

    /// - Throws: `cancelled`
    package func sleep(milliseconds: Int) throws {
        try wait(-1, 0, milliseconds: Int32(clamping: milliseconds), "")
    }
}

func monotonicMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}
