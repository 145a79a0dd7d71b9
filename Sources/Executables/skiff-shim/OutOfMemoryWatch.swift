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

    /// Kills in the groups around this one, when they were counted last.
    private var killsAround: UInt64

    /// Nil where the machine offers neither; the count is still read at the container's end.
    init?(_ cgroup: any Cgroup, _ loop: EventLoop, happened: @escaping () -> Void) {
        self.cgroup = cgroup
        self.happened = happened
        self.loop = loop
        killsAround = Self.killsAround(cgroup)
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
        // Counted before, and only noted where this group could still be asked: else its own kill would be lost.
        let around = Self.killsAround(cgroup)
        guard let now = try? cgroup.outOfMemoryKills() else { return close() }
        killsAround = around
        if now > kills {
            kills = now
            happened()
        } else if attempts > 0, isEventDescriptor {
            loop.after(20) { [weak self] in self?.check(again: attempts - 1) }
        }
    }

    /// Whether the kernel has killed for want of memory close by since this group was last looked at: all that can be
    /// learnt of a group that is gone (systemd removes a scope the moment that its last process ends).
    var hasKilledAround: Bool { Self.killsAround(cgroup) > killsAround }

    /// Of the group above with all that is below it; of the whole machine where that is not counted.
    private static func killsAround(_ cgroup: any Cgroup) -> UInt64 {
        let above = cgroup.directory.split(separator: "/").dropLast().joined(separator: "/")
        let bytes = (try? readFile("/\(above)/memory.events")) ?? (try? readFile("/proc/vmstat")) ?? []
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("oom_kill ")
        }
        return line.flatMap { UInt64($0.dropFirst("oom_kill ".utf8.count)) } ?? 0
    }

    func close() {
        watch?.cancel()
        watch = nil
    }
}
