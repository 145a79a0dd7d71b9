import Glibc
import LinuxKernel
import TLS

/// TLS inside of another connection: to a registry, through a proxy that is itself reached by TLS. Blocking for its one
/// thread.
final class NestedTLSTransport: Transport {
    private let outer: any Transport
    private let pipe: TLSPipe
    private let peer: String
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
    /// What has come and was not taken yet.
    private var (start, end) = (0, 0)

    /// A record and what surrounds it.
    private static let bufferSize = 20 << 10

    /// Makes the handshake.
    /// - Parameters:
    ///   - outer: ends waits by itself, by time or by its interrupter
    ///   - host: the name or address that the certificate has to have
    /// - Throws: `RegistryError` (`untrusted` where the handshake fails)
    init(_ outer: any Transport, context: TLSContext, host: String, peer: String) throws {
        (self.outer, self.peer) = (outer, peer)
        do throws(TLSError) {
            let session = try TLSSession(context)
            try session.expect(host: host)
            pipe = try TLSPipe(session)
        } catch {
            throw RegistryError(
                error.code == .nameInvalid ? .untrusted : .internal, error.message, cause: error)
        }
        let result = try run { $0.connect() }
        if let error = result.failure { throw TLSTransport.handshakeFailure(error, peer) }
        if result.count == nil {
            throw TLSTransport.handshakeFailure(TLSError(.cut, "closed by the server"), peer)
        }
    }

    deinit {
        input.deallocate()
        output.deallocate()
    }

    private struct Result {
        /// nil where the stream has ended, or failed.
        var count: Int?
        var failure: TLSError?
    }

    /// Takes steps until one comes to its end, hands on what is to go and waits for what has to come.
    private func run(_ body: (TLSSession) -> TLSSession.Outcome) throws -> Result {
        while true {
            switch try step(body) {
            case .done(let count): return Result(count: count)
            case .ended: return Result()
            case .failed(let error): return Result(failure: error)
            case .wantsOutput: continue  // the output was emptied
            case .wantsInput:
                guard !pipe.inputEnded else { return Result(failure: TLSError(.cut, "unexpected EOF")) }
                try refill()
            }
        }
    }

    private func step(_ body: (TLSSession) -> TLSSession.Outcome) throws -> TLSSession.Outcome {
        let step = pipe.step(UnsafeRawBufferPointer(rebasing: input[start..<end]), output, body)
        start += step.consumed
        if step.produced > 0 {
            try outer.write(UnsafeRawBufferPointer(rebasing: output[..<step.produced]))
        }
        return step.outcome
    }

    private func refill() throws {
        if start > 0 {
            input.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start..<end]))
            (start, end) = (0, end - start)
        }
        guard end < input.count else {
            throw RegistryError(.internal, "\(peer): a TLS record of more than \(input.count) bytes")
        }
        let count = try outer.read(into: UnsafeMutableRawBufferPointer(rebasing: input[end...]))
        end += count
        if count == 0 { pipe.inputEnded = true }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let result = try run { $0.read(into: buffer) }
        if let error = result.failure { throw TLSTransport.failure(error, peer) }
        return result.count ?? 0
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let result = try run { [rest] in $0.write(rest) }
            if let error = result.failure { throw TLSTransport.failure(error, peer) }
            guard let count = result.count else {
                throw RegistryError(.unavailable, "\(peer) closed the connection", isTransient: true)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    // MARK: - Without waiting

    var isQuiet: Bool { if case .wantsInput = peek() { outer.isQuiet } else { false } }

    var hasInput: Bool { if case .done(let count) = peek() { count > 0 } else { false } }

    /// What has come may be tickets and key updates, which are nobody's answer.
    private func peek() -> TLSSession.Outcome {
        while true {
            do {
                let outcome = try step { $0.peek() }
                guard case .wantsInput = outcome, outer.hasInput else { return outcome }
                try refill()
            } catch {
                return .ended
            }
        }
    }
}
