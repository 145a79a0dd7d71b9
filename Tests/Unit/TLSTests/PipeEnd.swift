@testable import TLS

/// One side of a connection in memory.
final class PipeEnd {
    let pipe: TLSPipe
    /// What has come and was not used yet.
    var incoming: [UInt8] = []
    /// What this side has to say.
    var outgoing: [UInt8] = []
    private let isServer: Bool

    init(_ context: TLSContext, isServer: Bool, host: String? = nil) throws {
        let session = try TLSSession(context)
        if let host { try session.expect(host: host) }
        pipe = try TLSPipe(session)
        self.isServer = isServer
    }

    @discardableResult
    func step(room: Int = 1 << 16, _ call: (TLSSession) -> TLSSession.Outcome) -> TLSSession.Outcome {
        var room = [UInt8](repeating: 0, count: room)
        let step = incoming.withUnsafeBytes { input in
            room.withUnsafeMutableBytes { pipe.step(input, $0, call) }
        }
        incoming.removeFirst(step.consumed)
        outgoing += room[..<step.produced]
        return step.outcome
    }

    @discardableResult
    func shakeHands(room: Int = 1 << 16) -> TLSSession.Outcome {
        step(room: room) { isServer ? $0.accept() : $0.connect() }
    }

    func write(_ bytes: [UInt8]) -> TLSSession.Outcome {
        bytes.withUnsafeBytes { source in step { $0.write(source) } }
    }

    /// Everything that can be read, and how it ended.
    func readAll() -> ([UInt8], TLSSession.Outcome) {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let outcome = buffer.withUnsafeMutableBytes { target in step { $0.read(into: target) } }
            guard case .done(let count) = outcome else { return (all, outcome) }
            all += buffer[..<count]
        }
    }

    /// Carries what both have to say, until neither has.
    static func exchange(_ a: PipeEnd, _ b: PipeEnd) {
        b.incoming += a.outgoing
        a.incoming += b.outgoing
        (a.outgoing, b.outgoing) = ([], [])
    }
}

/// A client and a server in one process.
struct PipePair {
    let authority: TestAuthority
    let client: PipeEnd
    let server: PipeEnd

    /// - Parameters:
    ///   - asks: whether the server wants a certificate
    ///   - shows: whose the client has
    init(asks: Bool = false, shows: TLSContext.Identity? = nil, authority: TestAuthority? = nil) throws {
        let authority = try authority ?? TestAuthority()
        let serving = try TLSContext(
            server: authority.issue("localhost"), clientAuthorities: asks ? authority.certificate : nil)
        let asking = try TLSContext(
            authorities: [authority.certificate], identities: shows.map { [$0] } ?? [], verifies: true)
        self.authority = authority
        client = try PipeEnd(asking, isServer: false, host: "localhost")
        server = try PipeEnd(serving, isServer: true)
    }

    /// - Returns: how the handshake ended for the client and for the server
    func shakeHands() -> (TLSSession.Outcome, TLSSession.Outcome) {
        var ends = (TLSSession.Outcome.wantsInput, TLSSession.Outcome.wantsInput)
        for _ in 0..<10 {
            if !ends.0.isOver { ends.0 = client.shakeHands() }
            if !ends.1.isOver { ends.1 = server.shakeHands() }
            PipeEnd.exchange(client, server)
        }
        return ends
    }
}

extension TLSSession.Outcome {
    /// Whether another step has no use.
    var isOver: Bool {
        switch self {
        case .done, .ended, .failed: true
        case .wantsInput, .wantsOutput: false
        }
    }

    var isSuccess: Bool { if case .done = self { true } else { false } }
    var hasEnded: Bool { if case .ended = self { true } else { false } }
    var failure: TLSError.Code? { if case .failed(let error) = self { error.code } else { nil } }
}
