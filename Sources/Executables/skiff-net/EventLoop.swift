import CLinux
import Glibc
import LinuxKernel

/// What an event source has to tell; edge-triggered: said once, so it has to be remembered or used up.
struct Events: OptionSet {
    let rawValue: UInt32

    static let read = Events(rawValue: SKIFF_EPOLL_IN)
    static let write = Events(rawValue: SKIFF_EPOLL_OUT)
    static let peerClosed = Events(rawValue: SKIFF_EPOLL_READ_HANG_UP)
    static let hangUp = Events(rawValue: SKIFF_EPOLL_HANG_UP | SKIFF_EPOLL_ERROR)
    /// Asked for only.
    static let edgeTriggered = Events(rawValue: 1 << 31)
}

/// Something that waits for a descriptor.
protocol EventHandler: AnyObject {
    /// - Parameter descriptor: which of the handler's descriptors it is about
    func handle(_ events: Events, on descriptor: Int32)
}

/// Waits for descriptors and calls their handlers, on one thread.
final class EventLoop {
    private struct Registration {
        /// Tells a descriptor from an earlier one of the same number.
        var generation: UInt32
        var handler: any EventHandler
    }

    private struct Timer {
        let interval: Int
        var due: Int
        let body: () -> Bool
    }

    /// One buffer for everybody: what is read is written on at once.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private let epoll: Descriptor
    private var registrations: [Int32: Registration] = [:]
    private var generation: UInt32 = 0
    /// Work that was put off so that others get their turn.
    private var deferred: [() -> Void] = []
    private var timers: [Timer] = []
    private(set) var isEnding = false
    private var lastEvent = 0
    /// Whether the pages that only busy times need have been given back since the last event.
    private var isAsleep = false
    /// Milliseconds without an event after which they are.
    private let quiet = 1000

    init() throws(SystemCallError) {
        epoll = Descriptor(owning: try rawCall("epoll_create") { skiff_epoll_create() })
    }

    /// Seconds of a clock that only goes forward.
    static var now: Int { milliseconds / 1000 }

    /// The same clock in milliseconds.
    static var milliseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }

    func add(_ descriptor: Int32, _ handler: any EventHandler) throws(SystemCallError) {
        generation &+= 1
        let token = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        let raw = epoll.rawValue
        let events: Events = [.read, .write, .peerClosed, .edgeTriggered]
        try rawCall("epoll_ctl") {
            skiff_epoll_control(raw, Int32(SKIFF_EPOLL_ADD), descriptor, events.rawValue, token)
        }
        registrations[descriptor] = Registration(generation: generation, handler: handler)
    }

    /// Forgets a descriptor, before it is closed; closing takes it out of the set.
    func remove(_ descriptor: Int32) { registrations[descriptor] = nil }

    /// Runs `work` after the events at hand.
    func later(_ work: @escaping () -> Void) { deferred.append(work) }

    /// Calls `timer` about every `interval` milliseconds until it returns false.
    func every(milliseconds interval: Int = 10_000, _ timer: @escaping () -> Bool) {
        timers.append(Timer(interval: interval, due: Self.milliseconds + interval, body: timer))
    }

    func end() { isEnding = true }

    func run() throws(SystemCallError) {
        var tokens = [UInt64](repeating: 0, count: 64)
        var events = [UInt32](repeating: 0, count: 64)
        let raw = epoll.rawValue
        while !isEnding {
            let timeout = deferred.isEmpty ? waitingTime : 0
            let count = Int(
                try rawCall("epoll_wait") { skiff_epoll_wait(raw, &tokens, &events, 64, timeout) })
            for index in 0..<count {
                let descriptor = Int32(truncatingIfNeeded: tokens[index])
                guard let registration = registrations[descriptor],
                    registration.generation == UInt32(tokens[index] >> 32)
                else { continue }
                registration.handler.handle(Events(rawValue: events[index]), on: descriptor)
            }
            if count > 0 {
                isAsleep = false
                lastEvent = Self.milliseconds
            } else if deferred.isEmpty, !isAsleep, Self.milliseconds - lastEvent >= quiet {
                sleep()
            }
            let work = deferred
            deferred = []
            for item in work { item() }
            tick()
        }
    }

    /// Until the loop has something to do by itself: a timer, falling asleep, or nothing.
    private var waitingTime: Int32 {
        var ends = timers.map(\.due)
        if !isAsleep { ends.append(lastEvent + quiet) }
        guard let first = ends.min() else { return -1 }
        return Int32(clamping: max(0, first - Self.milliseconds))
    }

    private func sleep() {
        isAsleep = true
        skiff_trim_malloc()
        skiff_forget_pages()
    }

    private func tick() {
        guard !timers.isEmpty else { return }
        let now = Self.milliseconds
        guard timers.contains(where: { $0.due <= now }) else { return }
        let all = timers
        timers = []
        for var timer in all {
            if timer.due <= now {
                guard timer.body() else { continue }
                timer.due = now + timer.interval
            }
            timers.append(timer)
        }
    }
}
