import Glibc
import LinuxKernel
import Logging
import Netlink

/// Listens for changes to nftables and has the instance's table restored when another program took from it: after
/// `nft flush ruleset` or the reload of a firewall, published ports are back within milliseconds.
final class FirewallWatcher: Sendable {
    private let firewall: Firewall
    private let sources: SourceGuard
    private let socket: NetlinkSocket
    private let end: WakeSignal
    private let thread = PosixThread()
    private let logger: Logger

    init(_ firewall: Firewall, _ sources: SourceGuard, logger: Logger) throws(SystemCallError) {
        self.firewall = firewall
        self.sources = sources
        self.logger = logger
        socket = try NetlinkSocket(NetlinkProtocol.netfilter, groups: [nftablesNotifications])
        end = try WakeSignal()
    }

    func start() throws(SystemCallError) { try thread.start { [self] in run() } }

    func stop() {
        end.set()
        thread.join()
    }

    private func run() {
        var descriptors = [
            pollfd(fd: socket.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: end.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            guard poll(&descriptors, 2, -1) > 0 else {
                if errno == EINTR { continue }
                logger.error("the watch over nftables ended", metadata: ["errno": "\(errno)"])
                return
            }
            if descriptors[1].revents != 0 { return }
            guard takesFromTable() else { continue }
            do throws(SystemCallError) {
                try firewall.restore()
                try sources.restore()
                logger.warning(
                    "restored the nftables table after another program removed from it",
                    metadata: ["table": "\(firewall.table)"])
            } catch {
                logger.error("nftables table not restored", metadata: ["cause": "\(error)"])
            }
            // Two programs that undo each other must not take the whole processor.
            usleep(20_000)
        }
    }

    /// Reads what has come; whether something of it, or something that was lost, took from the table.
    private func takesFromTable() -> Bool {
        var takes = false
        var source = pollfd(fd: socket.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        let own = [firewall.port, sources.port]
        while poll(&source, 1, 0) > 0 {
            do throws(SystemCallError) {
                for message in try socket.receive() {
                    let notification = NftablesNotification(message)
                    guard notification.removedFrom == firewall.table, !own.contains(notification.port) else {
                        continue
                    }
                    if !(notification.removedName.map(FirewallRules.isUsers) ?? false) { takes = true }
                }
            } catch {
                guard error.errno == ENOBUFS else { return takes }
                takes = true
            }
        }
        return takes
    }
}
