import CLinux
import Glibc
import LinuxKernel
import ShimProtocol

/// Waits for a daemon that comes back.
final class DaemonListener: EventHandler {
    private let socket: SharedDescriptor
    private let path: String
    private var watch: Watch?
    private let accepted: (SharedDescriptor) -> Void

    init(
        folder: String, _ loop: EventLoop, accepted: @escaping (SharedDescriptor) -> Void
    ) throws(SystemCallError) {
        path = "\(folder)/\(ShimFolder.socket)"
        self.accepted = accepted
        socket = SharedDescriptor(try listenUnix(directory: folder, name: ShimFolder.socket, backlog: 4))
        watch = try loop.watch(socket.rawValue, .readable, self)
    }

    func ready(_ events: PollEvents, tag: Int) {
        let raw = skiff_accept(socket.rawValue)
        // The peer may have gone again; the next one is reported anew.
        guard raw >= 0 else { return }
        let connection = SharedDescriptor(Descriptor(owning: raw))
        // The folder is 0700 already; this holds even where somebody has loosened that.
        guard let peer = try? peerCredentials(raw), peer.user == 0 || peer.user == geteuid() else { return }
        accepted(connection)
    }

    func close() {
        watch?.cancel()
        watch = nil
        unlink(path)
    }
}
