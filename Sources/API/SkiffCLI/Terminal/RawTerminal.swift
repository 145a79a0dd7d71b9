import Glibc
import LinuxKernel

/// The terminal on standard input, set to pass every byte through; `restore` sets it back.
final class RawTerminal {
    private var saved: termios?

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Turns off echo, line editing, signal keys and output processing (cfmakeraw(3)), but keeps the latter's newline
    /// translation off as a container's own terminal does it.
    /// - Throws: `SystemCallError`
    func enter() throws(SystemCallError) {
        var settings = termios()
        try systemCall("tcgetattr") { tcgetattr(0, &settings) }
        saved = settings
        cfmakeraw(&settings)
        try systemCall("tcsetattr") { tcsetattr(0, TCSANOW, &settings) }
    }

    /// Sets the terminal back; does nothing where it was never changed.
    func restore() {
        guard var settings = saved else { return }
        saved = nil
        tcsetattr(0, TCSANOW, &settings)
    }

    /// Rows and columns of the terminal on standard output; nil where it is none.
    static var size: (rows: Int, columns: Int)? { size(of: 1) }

    static func size(of descriptor: Int32) -> (rows: Int, columns: Int)? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 || size.ws_col > 0 else {
            return nil
        }
        return (Int(size.ws_row), Int(size.ws_col))
    }
}
