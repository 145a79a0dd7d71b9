import CLinux
import Glibc
import LinuxKernel

/// `skiff-net --control FD`: serves an instance's published ports where the kernel cannot translate them, for IPv6
/// clients of containers without IPv6. Single-threaded; outlives the daemon that started it.
@main
enum SkiffNet {
    private static let nobody: UInt32 = 65534

    static func main() {
        guard let control = controlDescriptor(CommandLine.arguments) else {
            complain("usage: skiff-net --control DESCRIPTOR [--instance NAME]; it is started by skiffd")
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
            _ = try ControlServer(control, loop, ports)
            try loop.run()
        } catch {
            complain("skiff-net: \(error)")
            exit(1)
        }
    }

    private static func controlDescriptor(_ arguments: [String]) -> Int32? {
        guard let position = arguments.firstIndex(of: "--control"), position + 1 < arguments.count else {
            return nil
        }
        return Int32(arguments[position + 1])
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
