import COpenSSL

/// TLS between pieces of memory: whoever has the socket brings what came over it and takes what is to go. Nothing is
/// copied but by OpenSSL itself. Used by one thread at a time.
package final class TLSPipe {
    /// What a step did.
    package struct Step {
        package let outcome: TLSSession.Outcome
        /// How many bytes of the input were used.
        package let consumed: Int
        /// How many bytes were written to the output.
        package let produced: Int
    }

    private let session: TLSSession
    private let pipe: UnsafeMutablePointer<skiff_tls_pipe>

    // Made once and never changed: OpenSSL wants one for the life of the process.
    nonisolated(unsafe) private static let method: OpaquePointer? = skiff_tls_pipe_method()

    /// - Throws: `TLSError` (`setupFailed`)
    package init(_ session: TLSSession) throws(TLSError) {
        self.session = session
        pipe = .allocate(capacity: 1)
        pipe.initialize(to: skiff_tls_pipe())
        guard let method = Self.method, skiff_tls_pipe_attach(session.raw, method, pipe) == 1 else {
            throw TLSError(.setupFailed, "cannot set up TLS: \(ErrorQueue().text)")
        }
    }

    deinit {
        // The session may be used by nobody else: without the pipe it has no connection.
        skiff_tls_pipe_detach(session.raw)
        pipe.deinitialize(count: 1)
        pipe.deallocate()
    }

    /// Whether nothing comes behind the input: set when the connection under it has ended.
    package var inputEnded: Bool {
        get { pipe.pointee.input_ended != 0 }
        set { pipe.pointee.input_ended = newValue ? 1 : 0 }
    }

    /// Whether content can go both ways.
    package var isEstablished: Bool { session.isEstablished }

    /// Takes one step between what has come and what is to go.
    package func step(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer,
        _ body: (TLSSession) -> TLSSession.Outcome
    ) -> Step {
        pipe.pointee.input = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        pipe.pointee.input_count = input.count
        pipe.pointee.output = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        pipe.pointee.output_room = output.count
        let outcome = body(session)
        let step = Step(
            outcome: outcome, consumed: input.count - pipe.pointee.input_count,
            produced: output.count - pipe.pointee.output_room)
        (pipe.pointee.input, pipe.pointee.input_count) = (nil, 0)
        (pipe.pointee.output, pipe.pointee.output_room) = (nil, 0)
        return step
    }
}
