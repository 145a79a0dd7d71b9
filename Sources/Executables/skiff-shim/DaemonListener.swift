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
    private let loop: EventLoop

    init(
        folder: String, _ loop: EventLoop, accepted: @escaping (SharedDescriptor) -> Void
    ) throws(SystemCallError) {
        path = "\(folder)/\(ShimFolder.socket)"
        self.accepted = accepted
        self.loop = loop
        socket = SharedDescriptor(try listenUnix(directory: folder, name: ShimFolder.socket, backlog: 4))
        watch = try loop.watch(socket.rawValue, .readable, self)
    }

    func ready(_ events: PollEvents, tag: Int) {
        let raw = skiff_accept(socket.rawValue)
        guard raw >= 0 else {
            // The peer may have gone again; the next one is reported anew. Without a descriptor to be had this one would
            // be, over and over.
            if [-EMFILE, -ENFILE, -ENOMEM].contains(raw) { pause() }
            return
        }
        let connection = SharedDescriptor(Descriptor(owning: raw))
        // The folder is 0700 already; this holds even where somebody has loosened that.
        guard let peer = try? peerCredentials(raw), peer.user == 0 || peer.user == geteuid() else { return }
        accepted(connection)
    }

    private func pause() {
        watch?.events = nil
        loop.after(1000) { [weak self] in self?.watch?.events = .readable }
    }

    func close() {
        watch?.cancel()
        watch = nil
        unlink(path)
    }
}
