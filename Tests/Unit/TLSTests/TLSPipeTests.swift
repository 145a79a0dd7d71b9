import Testing

@testable import TLS

@Suite struct TLSPipeTests {
    @Test func contentGoesBothWays() throws {
        let pair = try PipePair()
        let ends = pair.shakeHands()
        #expect(ends.0.isSuccess && ends.1.isSuccess)
        #expect(pair.client.write(Array("question".utf8)).isSuccess)
        #expect(pair.server.write(Array("answer".utf8)).isSuccess)
        PipeEnd.exchange(pair.client, pair.server)
        #expect(pair.server.readAll().0 == Array("question".utf8))
        #expect(pair.client.readAll().0 == Array("answer".utf8))
    }

    /// Whatever pieces the connection under it cuts the stream into.
    @Test func everythingArrivesByteByByte() throws {
        let pair = try PipePair()
        var outcome = TLSSession.Outcome.wantsInput
        var clientOutcome = pair.client.shakeHands()
        while !outcome.isOver {
            for byte in pair.client.outgoing {
                pair.server.incoming.append(byte)
                outcome = pair.server.shakeHands()
            }
            pair.client.outgoing = []
            for byte in pair.server.outgoing {
                pair.client.incoming.append(byte)
                if !clientOutcome.isOver { clientOutcome = pair.client.shakeHands() }
            }
            pair.server.outgoing = []
        }
        #expect(outcome.isSuccess && clientOutcome.isSuccess)
        let content = (0..<40_000).map { UInt8(truncatingIfNeeded: $0) }
        var rest = content[...]
        while case .done(let count) = pair.client.write(Array(rest)), count > 0 {
            rest = rest.dropFirst(count)
            if rest.isEmpty { break }
        }
        var received: [UInt8] = []
        for byte in pair.client.outgoing {
            pair.server.incoming.append(byte)
            received += pair.server.readAll().0
        }
        #expect(received == content)
    }

    /// A step that has no room for what it has to say goes on when there is some.
    @Test func outputWithoutRoomIsNotLost() throws {
        let pair = try PipePair()
        var ends = (TLSSession.Outcome.wantsInput, TLSSession.Outcome.wantsInput)
        for _ in 0..<100_000 {
            if !ends.0.isOver { ends.0 = pair.client.shakeHands(room: 1) }
            if !ends.1.isOver { ends.1 = pair.server.shakeHands(room: 1) }
            PipeEnd.exchange(pair.client, pair.server)
            if ends.0.isOver, ends.1.isOver { break }
        }
        #expect(ends.0.isSuccess && ends.1.isSuccess)
    }

    @Test func clientWithoutCertificateIsRefused() throws {
        let ends = try PipePair(asks: true).shakeHands()
        #expect(ends.1.failure == .untrusted)
    }

    @Test func clientWithCertificateOfAnotherAuthorityIsRefused() throws {
        let stranger = try TestAuthority()
        let ends = try PipePair(asks: true, shows: stranger.issue("other")).shakeHands()
        #expect(ends.1.failure == .untrusted)
    }

    @Test func clientWithTheRightCertificateIsLetIn() throws {
        let authority = try TestAuthority()
        let ends = try PipePair(asks: true, shows: authority.issue("client"), authority: authority)
            .shakeHands()
        #expect(ends.0.isSuccess && ends.1.isSuccess)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", TLSError.Code.notTLS, true),
        ("SSH-2.0-OpenSSH_9.2\r\n", .notTLS, false), (String(repeating: "\0", count: 64), .notTLS, false),
    ])
    func somethingElseThanTLSIsRefused(text: String, code: TLSError.Code, isPlainRequest: Bool) throws {
        let server = try PipePair().server
        server.incoming = Array(text.utf8)
        let outcome = server.shakeHands()
        #expect(outcome.failure == code)
        if case .failed(let error) = outcome { #expect(error.isPlainRequest == isPlainRequest) }
    }

    @Test func endIsSeenAndTheOtherDirectionGoesOn() throws {
        let pair = try PipePair()
        _ = pair.shakeHands()
        pair.client.step { $0.end() }
        PipeEnd.exchange(pair.client, pair.server)
        pair.server.pipe.inputEnded = true
        #expect(pair.server.readAll().1.hasEnded)
        #expect(pair.server.write(Array("still".utf8)).isSuccess)
        PipeEnd.exchange(pair.client, pair.server)
        #expect(pair.client.readAll().0 == Array("still".utf8))
    }

    /// A connection that ends without TLS's own end: an attacker may have cut it.
    @Test func cutConnectionIsNoEnd() throws {
        let pair = try PipePair()
        _ = pair.shakeHands()
        _ = pair.client.write(Array("half of it".utf8))
        PipeEnd.exchange(pair.client, pair.server)
        pair.server.pipe.inputEnded = true
        let (bytes, outcome) = pair.server.readAll()
        #expect(bytes == Array("half of it".utf8) && outcome.failure == .cut)
    }

    @Test func damagedRecordIsRefused() throws {
        let pair = try PipePair()
        _ = pair.shakeHands()
        _ = pair.client.write(Array("content".utf8))
        pair.client.outgoing[pair.client.outgoing.count - 3] ^= 1
        PipeEnd.exchange(pair.client, pair.server)
        let (bytes, outcome) = pair.server.readAll()
        #expect(bytes.isEmpty && outcome.failure == .protocolFailed)
    }

    /// Every piece of what a client sends, damaged, cut or repeated at random: an error or a wait, never content that
    /// nobody sent.
    @Test func hostileInputNeverBecomesContent() throws {
        var generator = SystemRandomNumberGenerator()
        let authority = try TestAuthority()
        for _ in 0..<200 {
            let pair = try PipePair(authority: authority)
            let hurtsHandshake = Bool.random(using: &generator)
            if !hurtsHandshake {
                let ends = pair.shakeHands()
                try #require(ends.0.isSuccess && ends.1.isSuccess)
                _ = pair.client.write([UInt8](repeating: 7, count: 500))
            } else {
                _ = pair.client.shakeHands()
            }
            var bytes = pair.client.outgoing
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
                case 1: bytes.removeSubrange(place...)
                case 2: bytes.insert(contentsOf: bytes.prefix(place), at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                }
            }
            pair.server.incoming = bytes
            pair.server.pipe.inputEnded = Bool.random(using: &generator)
            if hurtsHandshake { pair.server.shakeHands() }
            // A record that follows a whole one may be damaged: the whole one is content.
            let content = pair.server.readAll().0
            #expect(content.isEmpty || content == [UInt8](repeating: 7, count: 500))
        }
    }
}
