import CLinux
import Glibc
import LinuxKernel
import ShimProtocol

/// `skiff-shim --dir D`, started by the daemon with its end of a socket pair as descriptor 3; or PID 1 of a container
/// (`skiff-shim --init -- program arguments…`, or under the name `docker-init`).
@main
struct ShimMain {
    static func main() {
        let arguments = CommandLine.arguments
        if let first = arguments.first, first == "docker-init" || first.hasSuffix("/docker-init") {
            runInit(skipping: arguments.dropFirst().first == "--" ? 2 : 1)
        }
        if arguments.dropFirst().first == "--init" {
            runInit(skipping: arguments.dropFirst(2).first == "--" ? 3 : 2)
        }
        guard arguments.count == 3, arguments[1] == "--dir" else {
            fail(
                "usage: skiff-shim --dir FOLDER (started by skiffd), or skiff-shim --init -- PROGRAM ARGUMENTS..."
            )
        }
        do throws(SystemCallError) {
            try serve(arguments[2])
        } catch {
            fail("skiff-shim: \(error)")
        }
    }

    private static func runInit(skipping count: Int32) -> Never {
        guard CommandLine.argc > count else { fail("docker-init: no program was given") }
        exit(skiff_init_run(CommandLine.unsafeArgv + Int(count)))
    }

    private static func fail(_ message: String) -> Never {
        let text = Array((message + "\n").utf8)
        write(2, text, text.count)
        exit(125)
    }

    private static func serve(_ folder: String) throws(SystemCallError) {
        try leaveDaemonBehind()
        let loop = try EventLoop()
        let shim = Shim(folder: folder, loop: loop)
        shim.connect(SharedDescriptor(Descriptor(owning: ShimFolder.inheritedDescriptor)))
        try loop.run()
        withExtendedLifetime(shim) {}
    }

    /// Keeps nothing of the daemon: session, descriptors, directory, signals.
    private static func leaveDaemonBehind() throws(SystemCallError) {
        // Fails where the daemon has made a session for us already.
        setsid()
        try systemCall("chdir", "/") { chdir("/") }
        umask(0o022)
        // A handler rather than SIG_IGN, which every container's program would inherit through exec.
        for number in [SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2] { signal(number) { _ in } }
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        let inherited = ShimFolder.inheritedDescriptor
        try systemCall("fcntl", "descriptor 3") { fcntl(inherited, F_SETFD, FD_CLOEXEC) }
        let null = try openFile("/dev/null", O_RDWR)
        for standard in 0...2 as ClosedRange<Int32> {
            let raw = null.rawValue
            try systemCall("dup2") { dup2(raw, standard) }
        }
        // Takes `null` along.
        _ = null.take()
        try closeDescriptors(from: inherited + 1, onExec: false)
    }
}
