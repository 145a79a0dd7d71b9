import CLinux
import Cgroups
import Glibc
import LinuxKernel

/// Notices that the kernel kills for want of memory: `memory.events` of version 2, an eventfd of version 1
/// (cgroup-v1/memory.rst, section 10).
final class OutOfMemoryWatch: EventHandler {
    private let cgroup: any Cgroup
    private let happened: () -> Void
    private let descriptor: SharedDescriptor
    private let isEventDescriptor: Bool
    private var watch: Watch?
    private var kills: UInt64 = 0
    private let loop: EventLoop

    private static let attempts = 10

    /// Nil where the machine offers neither; the count is still read at the container's end.
    init?(_ cgroup: any Cgroup, _ loop: EventLoop, happened: @escaping () -> Void) {
        self.cgroup = cgroup
        self.happened = happened
        self.loop = loop
        do throws(SystemCallError) {
            if fileExists("\(cgroup.directory)/memory.events") {
                isEventDescriptor = false
                descriptor = SharedDescriptor(try openFile("\(cgroup.directory)/memory.events", O_RDONLY))
                watch = try loop.watch(descriptor.rawValue, .priority, self)
            } else {
                isEventDescriptor = true
                descriptor = try Self.register(cgroup.directory)
                watch = try loop.watch(descriptor.rawValue, .readable, self)
            }
        } catch {
            return nil
        }
    }

    private static func register(_ directory: String) throws(SystemCallError) -> SharedDescriptor {
        let control = try openFile("\(directory)/memory.oom_control", O_RDONLY)
        let event = Descriptor(
            owning: try rawCall("eventfd") { skiff_eventfd() })
        try writeControlFile("\(directory)/cgroup.event_control", "\(event.rawValue) \(control.rawValue)")
        return SharedDescriptor(event)
    }

    func ready(_ events: PollEvents, tag: Int) {
        if isEventDescriptor {
            var count: UInt64 = 0
            read(descriptor.rawValue, &count, 8)
        }
        check(again: Self.attempts)
        // Reading is what makes the kernel report the next one.
        if !isEventDescriptor {
            var scratch: UInt64 = 0
            pread(descriptor.rawValue, &scratch, 8, 0)
        }
    }

    /// Version 2 reports all memory events here, version 1 also the group's end, and what is about to be killed a
    /// moment before it is counted.
    private func check(again attempts: Int) {
        if watch == nil { return }
        guard let now = try? cgroup.outOfMemoryKills() else { return close() }
        if now > kills {
            kills = now
            happened()
        } else if attempts > 0, isEventDescriptor {
            loop.after(20) { [weak self] in self?.check(again: attempts - 1) }
        }
    }

    func close() {
        watch?.cancel()
        watch = nil
    }
}
