package import LinuxKernel
import ShimProtocol

/// A client's place at a container's streams. Dropping it without `connect` or `join` gives the place up.
package final class AttachReservation: Sendable {
    typealias Replay = @Sendable (Container, AttachOptions, SharedDescriptor) async throws -> Void

    private let container: Container
    private let options: AttachOptions
    /// In the queue of those who wait for the start; nil for a container that runs.
    private let place: UInt64?
    private let replay: Replay

    init(_ container: Container, _ options: AttachOptions, place: UInt64?, _ replay: @escaping Replay) {
        self.container = container
        self.options = options
        self.place = place
        self.replay = replay
    }

    deinit { if let place { container.attachments.abandon(place) } }

    /// Whether the container has a terminal: raw stream, else multiplexed frames.
    package var terminal: Bool { container.spec.process.terminal }

    /// Whether the container runs: its shim takes the stream with `join`, else with `connect` at the next start.
    package var isLive: Bool { place == nil }

    /// Gives the client's stream away: the shim reads and writes it from the start on, and ends it at the end. The
    /// client has been answered, and may ask for the start.
    /// - Parameters:
    ///   - stream: a stream socket, or one end of a pair where the transport is none
    ///   - alreadyRead: what the edge has read of it after the request
    package func connect(_ stream: SharedDescriptor, alreadyRead: [UInt8] = []) async throws {
        guard let place else { return try await join(stream, alreadyRead: alreadyRead, answer: []) }
        if !options.follows, !container.state.isRunning {
            container.attachments.abandon(place)
            return try await replay(container, options, stream)
        }
        try await container.attach(request(stream, alreadyRead), place)
    }

    /// Gives the stream of a client that waits for its answer to the shim, which writes the answer once it serves the
    /// client. Where the container has ended meanwhile the stream ends behind the answer.
    /// - Parameters:
    ///   - answer: what the client gets first
    ///   - refusal: what it gets instead where that fails
    package func join(
        _ stream: SharedDescriptor, alreadyRead: [UInt8], answer: [UInt8],
        refusal: @Sendable (any Error) -> [UInt8] = { _ in [] }
    ) async throws {
        var request = request(stream, alreadyRead)
        request.preamble = answer
        do {
            if try await container.join(request) { return }
            guard options.includesLogs else { return ClientStream.finish(stream, with: answer) }
        } catch {
            ClientStream.finish(stream, with: refusal(error))
            throw error
        }
        try await container.parts.pool.runAlone { try ClientStream.send(answer, to: stream) }
        try await replay(container, options, stream)
    }

    private func request(_ stream: SharedDescriptor, _ alreadyRead: [UInt8]) -> AttachRequest {
        AttachRequest(
            id: randomID(), stdin: options.standardInput, stdout: options.standardOutput,
            stderr: options.standardError, logs: options.includesLogs, stream: options.follows,
            detachKeys: options.detachKeys.isEmpty ? DetachKeys.standard : options.detachKeys,
            buffered: alreadyRead, socket: stream)
    }
}
