import CLinux
import Glibc

/// What a descriptor is ready for, or is waited for (epoll(7), level-triggered).
package struct PollEvents: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = PollEvents(rawValue: SKIFF_EPOLL_IN)
    package static let priority = PollEvents(rawValue: SKIFF_EPOLL_PRIORITY)
    package static let writable = PollEvents(rawValue: SKIFF_EPOLL_OUT)
    /// Always reported.
    package static let error = PollEvents(rawValue: SKIFF_EPOLL_ERROR)
    /// Both directions are closed; always reported.
    package static let hangUp = PollEvents(rawValue: SKIFF_EPOLL_HANG_UP)
    /// The other side of a stream socket sends no more.
    package static let readHangUp = PollEvents(rawValue: SKIFF_EPOLL_READ_HANG_UP)
}

/// Waits for many descriptors (epoll(7)).
package struct Poller: ~Copyable {
    private let epoll: Descriptor

    package init() throws(SystemCallError) {
        epoll = Descriptor(owning: try rawCall("epoll_create1") { skiff_epoll_create() })
    }

    package func add(_ descriptor: Int32, _ events: PollEvents, data: UInt64) throws(SystemCallError) {
        try control(SKIFF_EPOLL_ADD, descriptor, events, data)
    }

    package func change(_ descriptor: Int32, _ events: PollEvents, data: UInt64) throws(SystemCallError) {
        try control(SKIFF_EPOLL_CHANGE, descriptor, events, data)
    }

    package func remove(_ descriptor: Int32) throws(SystemCallError) {
        try control(SKIFF_EPOLL_REMOVE, descriptor, [], 0)
    }

    private func control(
        _ operation: Int, _ descriptor: Int32, _ events: PollEvents, _ data: UInt64
    ) throws(SystemCallError) {
        let raw = epoll.rawValue
        try rawCall("epoll_ctl") {
            skiff_epoll_control(raw, Int32(operation), descriptor, events.rawValue, data)
        }
    }

    /// Waits until something is ready, a signal arrives or the time is over, and reports what is ready.
    /// - Parameter milliseconds: negative to wait without limit
    /// - Returns: how many descriptors were reported
    @discardableResult
    package func wait(
        milliseconds: Int32, _ report: (UInt64, PollEvents) -> Void
    ) throws(SystemCallError) -> Int {
        var data: InlineArray<16, UInt64> = .init(repeating: 0)
        var events: InlineArray<16, UInt32> = .init(repeating: 0)
        let raw = epoll.rawValue
        var dataSpan = data.mutableSpan
        var eventSpan = events.mutableSpan
        let count = dataSpan.withUnsafeMutableBufferPointer { data in
            eventSpan.withUnsafeMutableBufferPointer { events in
                skiff_epoll_wait(raw, data.baseAddress, events.baseAddress, 16, milliseconds)
            }
        }
        if count == -EINTR { return 0 }
        if count < 0 { throw SystemCallError(call: "epoll_wait", errno: -count) }
        for index in 0..<Int(count) { report(data[index], PollEvents(rawValue: events[index])) }
        return Int(count)
    }
}
