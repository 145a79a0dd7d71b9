import Glibc

/// Signals by name and number, as `kill` and `--stop-signal` take them.
package enum SignalName {
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8,
        "KILL": 9,
        "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17,
        "CLD": 17,
        "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25,
        "VTALRM": 26,
        "PROF": 27, "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31, "UNUSED": 31,
    ]

    /// `SIGTERM`, `term`, `15`, `RTMIN+3`, `SIGRTMAX-1`.
    /// - Throws: in Docker's words where it is none
    package static func number(_ text: String) throws(EngineError) -> Int32 {
        if let number = Int32(text) {
            guard (1...64).contains(number) else { throw .invalid("Invalid signal: \(text)") }
            return number
        }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name = String(name.dropFirst(3)) }
        if let number = numbers[name] ?? realTime(name) { return number }
        throw .invalid("Invalid signal: \(text)")
    }

    /// RTMIN is 34 as C libraries see it; the kernel's 32 and 33 are theirs.
    private static func realTime(_ name: String) -> Int32? {
        if name == "RTMIN" { return 34 }
        if name == "RTMAX" { return 64 }
        if name.hasPrefix("RTMIN+"), let offset = Int32(name.dropFirst(6)), (0...30).contains(offset) {
            return 34 + offset
        }
        if name.hasPrefix("RTMAX-"), let offset = Int32(name.dropFirst(6)), (0...30).contains(offset) {
            return 64 - offset
        }
        return nil
    }
}
