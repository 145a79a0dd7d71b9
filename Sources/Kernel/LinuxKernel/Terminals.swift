import CLinux
import Glibc

/// The master of a new terminal, of the devpts filesystem at dev/pts below `root`; unlocked.
package func openTerminal(below root: Int32) throws(SystemCallError) -> Descriptor {
    let master = try openBelow(root, "dev/pts/ptmx", O_RDWR | O_NOCTTY)
    let raw = master.rawValue
    try rawCall("ioctl", "TIOCSPTLCK") { skiff_unlock_terminal(raw) }
    return master
}

/// The name of a terminal's slave in its devpts.
package func terminalNumber(ofMaster master: Int32) throws(SystemCallError) -> Int32 {
    try rawCall("ioctl", "TIOCGPTN") { skiff_terminal_number(master) }
}

package func setTerminalSize(_ terminal: Int32, rows: UInt16, columns: UInt16) throws(SystemCallError) {
    try rawCall("ioctl", "TIOCSWINSZ") { skiff_set_terminal_size(terminal, rows, columns) }
}

/// Makes `terminal` the controlling terminal of this session leader.
package func makeControllingTerminal(_ terminal: Int32) throws(SystemCallError) {
    try rawCall("ioctl", "TIOCSCTTY") { skiff_make_controlling_terminal(terminal) }
}
