import Glibc
import LinuxKernel
import Synchronization

/// What a probe prints: read as it comes, the beginning kept, the rest let go.
final class ProbeOutput: Sendable {
    private struct State {
        var kept: [UInt8] = []
        var isCut = false
        /// Bytes that are left of the frame that is being read.
        var left = 0
        var header: [UInt8] = []
        var token: Reactor.Token?
    }

    private static let limit = 4096

    /// Fulfilled when nothing more comes.
    let ended = OneShot<Void>()
    private let stream: SharedDescriptor
    private let reactor: Reactor
    private let state = Mutex(State())

    /// - Returns: the reader, and the end that the shim writes frames to
    static func make(_ reactor: Reactor) throws(SystemCallError) -> (ProbeOutput, SharedDescriptor) {
        let (ours, theirs) = try makeStreamSockets()
        return (try ProbeOutput(ours, reactor), theirs)
    }

    private init(_ stream: SharedDescriptor, _ reactor: Reactor) throws(SystemCallError) {
        self.stream = stream
        self.reactor = reactor
        let token = try reactor.add(stream.rawValue) { self.receive() }
        state.withLock { $0.token = token }
        if ended.current != nil { close() }
    }

    /// Stops reading.
    func close() {
        let token = state.withLock { state in
            defer { state.token = nil }
            return state.token
        }
        if let token { reactor.remove(token) }
        ended.fulfil(())
    }

    /// At most 4 KiB, and dots where there was more.
    var text: String {
        state.withLock { String(decoding: $0.kept, as: UTF8.self) + ($0.isCut ? "..." : "") }
    }

    private func receive() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(stream.rawValue, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            take(buffer[..<count])
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            close()
        }
    }

    /// Takes the frames' headers out: stream, three zeros, length (big endian).
    private func take(_ bytes: ArraySlice<UInt8>) {
        state.withLock { state in
            var rest = bytes
            while !rest.isEmpty {
                if state.left == 0 {
                    let count = min(8 - state.header.count, rest.count)
                    state.header += rest.prefix(count)
                    rest = rest.dropFirst(count)
                    guard state.header.count == 8 else { return }
                    state.left = state.header[4...].reduce(0) { $0 << 8 | Int($1) }
                    state.header = []
                    continue
                }
                let part = rest.prefix(state.left)
                rest = rest.dropFirst(part.count)
                state.left -= part.count
                let room = max(0, Self.limit - state.kept.count)
                state.kept += part.prefix(room)
                if part.count > room { state.isCut = true }
            }
        }
    }
}
