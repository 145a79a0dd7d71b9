import Glibc
import LinuxKernel

/// Waits for a process in the foreground: passes signals on, and carries a terminal's bytes.
struct Foreground: ~Copyable {
    private let console: SharedDescriptor?
    private let pidfd: SharedDescriptor
    private let signals: SignalDescriptor
    /// The caller's terminal as it was; nil where none was changed.
    private let saved: termios?

    /// Signals that the process gets in place of this one.
    private static let forwarded: [Int32] = [
        SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT, SIGALRM, SIGWINCH, SIGTSTP, SIGTTIN,
        SIGTTOU,
    ]

    /// To be called before there is a process, so that no signal ends this program in between.
    static func collectSignals() throws(CommandError) -> SignalDescriptor {
        try system("signals") { () throws(SystemCallError) in try SignalDescriptor(forwarded) }
    }

    init(
        _ console: SharedDescriptor?, pidfd: SharedDescriptor, signals: consuming SignalDescriptor
    ) throws(CommandError) {
        self.console = console
        self.pidfd = pidfd
        self.signals = signals
        saved = console == nil ? nil : Self.makeRaw()
        resize()
    }

    /// Keys go to the container as they are.
    private static func makeRaw() -> termios? {
        var state = termios()
        guard tcgetattr(0, &state) == 0 else { return nil }
        let saved = state
        cfmakeraw(&state)
        // As runc: what the container writes is still translated by the outer terminal's own rules.
        tcsetattr(0, TCSANOW, &state)
        return saved
    }

    private func resize() {
        guard let console else { return }
        var size = winsize()
        if ioctl(0, UInt(TIOCGWINSZ), &size) == 0 { _ = ioctl(console.rawValue, UInt(TIOCSWINSZ), &size) }
    }

    consuming func wait() throws(CommandError) -> ProcessExit {
        defer {
            if var saved { tcsetattr(0, TCSADRAIN, &saved) }
        }
        var input = console != nil
        while true {
            var polls = [
                pollfd(fd: pidfd.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: console?.rawValue ?? -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input ? 0 : -1, events: Int16(POLLIN), revents: 0),
            ]
            try system("waiting") { () throws(SystemCallError) in
                try systemCall("poll") { poll(&polls, nfds_t(polls.count), -1) }
            }
            if polls[1].revents != 0 { try forwardSignals() }
            if polls[2].revents != 0 { _ = copyOutput() }
            if polls[3].revents != 0 { input = copyInput() }
            if polls[0].revents != 0 {
                while copyOutput() {}
                let exit = try system("waiting") { () throws(SystemCallError) in try reap(pidfd.rawValue) }
                return exit ?? ProcessExit(status: 0, signal: nil)
            }
        }
    }

    private borrowing func forwardSignals() throws(CommandError) {
        while let signal = try system("signals", { () throws(SystemCallError) in try signals.next() }) {
            if signal == SIGWINCH, console != nil {
                resize()
            } else {
                // It may have ended this moment, which the next round sees.
                try? sendSignal(signal, toPidfd: pidfd.rawValue)
            }
        }
    }

    /// What the terminal has now; false where it has nothing more.
    private borrowing func copyOutput() -> Bool {
        guard let console else { return false }
        var ready = pollfd(fd: console.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, 0) == 1, ready.revents & Int16(POLLIN) != 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = read(console.rawValue, &buffer, buffer.count)
        guard count > 0 else { return false }
        return (try? writeAll(1, buffer[..<count])) != nil
    }

    private borrowing func copyInput() -> Bool {
        guard let console else { return false }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(0, &buffer, buffer.count)
        guard count > 0 else { return false }
        return (try? writeAll(console.rawValue, buffer[..<count])) != nil
    }
}
