import CLinux
import Glibc
import LinuxKernel

/// `skiff-net --control FD`: serves an instance's published ports where the kernel cannot translate them, for IPv6
/// clients of containers without IPv6, and answers containers' questions for names. Single-threaded; outlives the
/// daemon that started it.
@main
enum SkiffNet {
    private static let nobody: UInt32 = 65534

    static func main() {
        guard let control = value(of: "--control").flatMap({ Int32($0) }) else {
            complain(
                "usage: skiff-net --control DESCRIPTOR [--instance NAME] [--resolver-file PATH]; it is started by skiffd"
            )
            exit(64)
        }
        do throws(SystemCallError) {
            raiseDescriptorLimit()
            skiff_limit_malloc(1, 64 << 10)
            signal(SIGPIPE, SIG_IGN)
            signal(SIGHUP, SIG_IGN)
            // Sockets come from the daemon, bound; nothing here needs a privilege.
            if geteuid() == 0 { try rawCall("setresuid") { skiff_become_user(nobody, nobody) } }
            let loop = try EventLoop()
            let ports = ForwardedPorts(loop)
            let names = NameService(
                loop, ports.budget, resolverFile: value(of: "--resolver-file") ?? "/etc/resolv.conf")
            _ = try ControlServer(control, loop, ports, names)
            try loop.run()
        } catch {
            complain("skiff-net: \(error)")
            exit(1)
        }
    }

    private static func value(of option: String) -> String? {
        let arguments = CommandLine.arguments
        guard let position = arguments.firstIndex(of: option), position + 1 < arguments.count else {
            return nil
        }
        return arguments[position + 1]
    }

    /// Each connection takes two descriptors.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65536)
        setrlimit(__rlimit_resource_t(7), &limit)
    }

    private static func complain(_ text: String) {
        // Nobody is left to tell where this fails.
        do throws(SystemCallError) { try writeAll(STDERR_FILENO, (text + "\n").utf8) } catch {}
    }
}
