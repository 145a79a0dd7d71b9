import Glibc
import LinuxKernel

/// Something that waits for a descriptor.
protocol EventHandler: AnyObject {
    /// - Parameter tag: what the handler gave to tell its descriptors apart
    func ready(_ events: PollEvents, tag: Int)
}

/// The shim's only thread: descriptors, timers, and a moment to tidy up when nothing has happened for a while.
final class EventLoop {
    private struct Slot {
        var handler: (any EventHandler)?
        var tag: Int
        /// Tells events of an earlier owner of the slot from this one's.
        var generation: UInt32
    }

    private struct Timer {
        let id: Int
        let deadline: Int64
        let action: () -> Void
    }

    private let poller: Poller
    private var slots: [Slot] = []
    private var timers: [Timer] = []
    private var lastTimer = 0
    private var stopped = false
    private var isTidy = false
    /// Takes what an administrator should know.
    var warn: (String) -> Void = { _ in }
    /// Called once after each time of activity.
    var whenQuiet: () -> Void = {}

    /// How long nothing must have happened before `whenQuiet`, in milliseconds: soon after the start, which uses the
    /// most memory; later so long that a container that writes a line every second is not tidied up after each.
    private var quietTime: Int32 = 100
    private static let laterQuietTime: Int32 = 3000

    init() throws(SystemCallError) { poller = try Poller() }

    /// Milliseconds of a clock that only goes forward.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    // MARK: Descriptors

    /// Reports events of a descriptor to its handler until the watch is cancelled.
    func watch(
        _ descriptor: Int32, _ events: PollEvents, _ handler: any EventHandler, tag: Int = 0
    ) throws(SystemCallError) -> Watch {
        let index = slots.firstIndex { $0.handler == nil } ?? slots.count
        if index == slots.count { slots.append(Slot(handler: nil, tag: 0, generation: 0)) }
        slots[index].generation &+= 1
        slots[index].tag = tag
        let data = UInt64(slots[index].generation) << 32 | UInt64(index)
        try poller.add(descriptor, events, data: data)
        slots[index].handler = handler
        return Watch(loop: self, descriptor: descriptor, data: data, events: events)
    }

    fileprivate func change(_ descriptor: Int32, from old: PollEvents?, to new: PollEvents?, _ data: UInt64) {
        // None of these can fail for a descriptor that is open and (not) registered, which Watch sees to, but for a
        // want of kernel memory; then the descriptor is not served any more, as if it were closed.
        do throws(SystemCallError) {
            switch (old, new) {
            case (nil, let new?): try poller.add(descriptor, new, data: data)
            case (.some, nil): try poller.remove(descriptor)
            case (.some, let new?): try poller.change(descriptor, new, data: data)
            case (nil, nil): break
            }
        } catch {
            warn("cannot wait for a descriptor: \(error)")
        }
    }

    fileprivate func forget(_ data: UInt64) { slots[Int(data & 0xFFFF_FFFF)].handler = nil }

    private func dispatch(_ data: UInt64, _ events: PollEvents) {
        let slot = slots[Int(data & 0xFFFF_FFFF)]
        guard slot.generation == UInt32(data >> 32) else { return }
        slot.handler?.ready(events, tag: slot.tag)
    }

    // MARK: Timers

    /// Calls `action` once, after `milliseconds`.
    @discardableResult
    func after(_ milliseconds: Int64, _ action: @escaping () -> Void) -> Int {
        lastTimer += 1
        timers.append(Timer(id: lastTimer, deadline: Self.now + milliseconds, action: action))
        return lastTimer
    }

    func cancel(timer: Int) { timers.removeAll { $0.id == timer } }

    private func fireTimers() {
        guard !timers.isEmpty else { return }
        let now = Self.now
        for timer in timers where timer.deadline <= now {
            // An earlier one may have cancelled it.
            guard let index = timers.firstIndex(where: { $0.id == timer.id }) else { continue }
            timers.remove(at: index)
            timer.action()
        }
    }

    // MARK: Running

    func stop() { stopped = true }

    /// - Throws: only where epoll itself fails
    func run() throws(SystemCallError) {
        while !stopped {
            let timeout = nextTimeout()
            let count = try poller.wait(milliseconds: timeout, dispatch)
            if count > 0 {
                isTidy = false
            } else if !isTidy, timeout == quietTime {
                isTidy = true
                quietTime = Self.laterQuietTime
                whenQuiet()
            }
            fireTimers()
        }
    }

    private func nextTimeout() -> Int32 {
        let limit: Int64 = isTidy ? -1 : Int64(quietTime)
        guard let first = timers.lazy.map(\.deadline).min() else { return Int32(limit) }
        let wait = max(0, first - Self.now)
        return Int32(limit < 0 ? min(wait, 3_600_000) : min(wait, limit))
    }
}

/// One watched descriptor. Whoever made it cancels it before the descriptor is closed.
final class Watch {
    private unowned let loop: EventLoop
    private let descriptor: Int32
    private let data: UInt64
    private var registered: PollEvents?

    fileprivate init(loop: EventLoop, descriptor: Int32, data: UInt64, events: PollEvents) {
        self.loop = loop
        self.descriptor = descriptor
        self.data = data
        registered = events
    }

    /// What is waited for; nil reports nothing at all, not even an error or hang-up.
    var events: PollEvents? {
        get { registered }
        set {
            guard registered?.rawValue != newValue?.rawValue else { return }
            loop.change(descriptor, from: registered, to: newValue, data)
            registered = newValue
        }
    }

    func cancel() {
        events = nil
        loop.forget(data)
    }
}
