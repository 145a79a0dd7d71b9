import CLinux
import Glibc
import LinuxKernel

/// Signals that arrive as readable events in place of their default action.
final class SignalQueue {
    private let descriptor: Descriptor

    /// What a container's client forwards, and the change of the window's size.
    static let forwarded: [Int32] = [
        SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCONT, SIGTSTP,
    ]

    init(_ signals: [Int32]) throws(SystemCallError) {
        let mask = signals.reduce(0) { $0 | UInt64(1) << UInt64($1 - 1) }
        let raw = try rawCall("signalfd") { skiff_signalfd(mask) }
        descriptor = Descriptor(owning: raw)
    }

    var rawDescriptor: Int32 { descriptor.rawValue }

    /// The next signal; nil where none is pending.
    func next() -> Int32? {
        var sender: Int32 = 0
        let signal = skiff_read_signal(descriptor.rawValue, &sender)
        return signal > 0 ? signal : nil
    }

    /// The name that the API takes.
    static func name(_ signal: Int32) -> String {
        switch signal {
        case SIGHUP: "HUP"
        case SIGINT: "INT"
        case SIGQUIT: "QUIT"
        case SIGUSR1: "USR1"
        case SIGUSR2: "USR2"
        case SIGALRM: "ALRM"
        case SIGTERM: "TERM"
        case SIGCONT: "CONT"
        case SIGTSTP: "TSTP"
        default: "\(signal)"
        }
    }
}
