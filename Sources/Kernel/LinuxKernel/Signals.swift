import CLinux

/// Signals as something to poll for (signalfd(2)); while it lives they are blocked in this thread.
package struct SignalDescriptor: ~Copyable {
    package let descriptor: Descriptor

    package init(_ signals: [Int32]) throws(SystemCallError) {
        var mask: UInt64 = 0
        for signal in signals { mask |= 1 << UInt64(signal - 1) }
        descriptor = Descriptor(owning: try rawCall("signalfd") { skiff_signalfd(mask) })
    }

    /// The next signal that has arrived; nil where none has.
    package func next() throws(SystemCallError) -> Int32? {
        var sender: Int32 = 0
        let raw = descriptor.rawValue
        let signal = try rawCall("read", "signals") { skiff_read_signal(raw, &sender) }
        return signal == 0 ? nil : signal
    }
}

/// Names of signals as kill(1) has them, for Linux on every architecture that Skiff runs on.
package enum SignalNames {
    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
        "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM",
        "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]
    private static let aliases = ["IOT": "ABRT", "CLD": "CHLD", "POLL": "IO", "UNUSED": "SYS"]

    /// The number of `TERM`, `SIGTERM`, `15`, `RTMIN+3`, in any case; nil where there is no such signal.
    package static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if let index = names.firstIndex(of: aliases[name] ?? name) { return Int32(index) + 1 }
        // The first two real-time signals are the C library's own.
        for (base, start) in [("RTMIN", Int32(34)), ("RTMAX", Int32(64))] where name.hasPrefix(base) {
            let rest = name.dropFirst(base.count)
            let offset = rest.isEmpty ? 0 : Int32(rest) ?? .max
            guard offset != .max, (34...64).contains(start + offset) else { return nil }
            return start + offset
        }
        return nil
    }
}
