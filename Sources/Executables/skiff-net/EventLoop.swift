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

    /// One buffer for everybody: what is read is written on at once.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private let epoll: Descriptor
    private var registrations: [Int32: Registration] = [:]
    private var generation: UInt32 = 0
    /// Work that was put off so that others get their turn.
    private var deferred: [() -> Void] = []
    private var timers: [() -> Bool] = []
    private var lastTick: Int = 0
    /// How often timers run.
    private let tickSeconds = 10
    private(set) var isEnding = false
    /// Whether the pages that only busy times need have been given back since the last event.
    private var isAsleep = false
    /// Milliseconds without an event after which they are.
    private let quiet: Int32 = 1000

    init() throws(SystemCallError) {
        epoll = Descriptor(owning: try rawCall("epoll_create") { skiff_epoll_create() })
    }

    /// Seconds of a clock that only goes forward.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
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

    /// Calls `timer` about every ten seconds until it returns false.
    func every(_ timer: @escaping () -> Bool) {
        if timers.isEmpty { lastTick = Self.now }
        timers.append(timer)
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
            if count > 0 { isAsleep = false }
            if count == 0, deferred.isEmpty, !isAsleep { sleep() }
            let work = deferred
            deferred = []
            for item in work { item() }
            tick()
        }
    }

    /// Until the loop has something to do by itself: fall asleep, look at the timers, or nothing.
    private var waitingTime: Int32 {
        if !isAsleep { return quiet }
        return timers.isEmpty ? -1 : Int32(tickSeconds) * 1000
    }

    private func sleep() {
        isAsleep = true
        skiff_trim_malloc()
        skiff_forget_pages()
    }

    private func tick() {
        guard !timers.isEmpty, Self.now - lastTick >= tickSeconds else { return }
        lastTick = Self.now
        let due = timers
        timers = []
        timers += due.filter { $0() }
    }
}
