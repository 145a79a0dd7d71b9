import NIOCore
import Testing

@testable import HTTPTransport

@Suite struct RequestParserTests {
    /// Everything that comes out of `text`, given in pieces of `step` bytes.
    private func events(_ bytes: [UInt8], step: Int = .max) throws -> [RequestParser.Event] {
        var parser = RequestParser()
        var events: [RequestParser.Event] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            parser.append(ByteBuffer(bytes: rest.prefix(step)))
            rest = rest.dropFirst(step)
            while let event = try parser.next() { events.append(event) }
        }
        return events
    }

    private func summary(_ events: [RequestParser.Event]) -> String {
        var text = ""
        for event in events {
            switch event {
            case .head(let head): text += "[\(head.method) \(head.target)"
            case .body(let body): text += " \(String(buffer: body))"
            case .end: text += "]"
            }
        }
        return text.replacing(" ", with: "")
    }

    static let twoRequests =
        "POST /containers/create?name=a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
        + "GET /_ping HTTP/1.1\r\n\r\n"
        + "POST /load HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n4\r\ndefg\r\n0\r\nT: 1\r\n\r\n"
        + "GET /b HTTP/1.0\n\n"

    @Test(arguments: [1, 2, 3, 7, 64, 1000])
    func requestsAreTheSameHoweverTheBytesCome(step: Int) throws {
        let found = try events(Array(Self.twoRequests.utf8), step: step)
        #expect(
            summary(found) == "[POST/containers/create?name=ahello][GET/_ping][POST/loadabcdefg][GET/b]")
    }

    @Test(arguments: [
        ("GET /\r\n\r\n", 400), ("GET  / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 505),
        ("G\u{1}T / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 2\r\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;\u{1}\r\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nTransfer-Encoding\t: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\",x=\"b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nA: b\rHost: c\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 400),
        ("GET / HTTP/1.1\r\nA: " + String(repeating: "x", count: 70000) + "\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\n" + String(repeating: "a: b\r\n", count: 200) + "\r\n", 431),
    ])
    func malformedRequestsAreRefused(text: String, status: Int) {
        #expect { try events(Array(text.utf8)) } throws: { ($0 as? HTTPSyntaxError)?.status == status }
    }

    @Test func endlessHeadIsRefusedBeforeItEnds() {
        var parser = RequestParser()
        #expect(throws: HTTPSyntaxError.self) {
            for _ in 0..<100 {
                parser.append(ByteBuffer(repeating: 0x61, count: 1024))
                _ = try parser.next()
            }
        }
    }

    @Test func bytesBehindAMessageStayUntouched() throws {
        var parser = RequestParser()
        parser.append(ByteBuffer(string: "POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}raw \u{1} stream"))
        while let event = try parser.next(), event != .end {}
        #expect(String(decoding: parser.takePending(), as: UTF8.self) == "raw \u{1} stream")
        #expect(parser.pendingBytes == 0)
    }

    /// Random bytes, and valid requests with random damage, in random pieces: an event or an error, never a crash,
    /// and never more body than was sent.
    @Test func damagedInputNeverCrashes() {
        var random = SeededGenerator(seed: 20_261_121)
        for round in 0..<3000 {
            var bytes = Array(Self.twoRequests.utf8)
            if round % 3 == 0 {
                bytes = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                    .random(in: 0...255, using: &random)
                }
            } else {
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    let position = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0...2, using: &random) {
                    case 0: bytes[position] = .random(in: 0...255, using: &random)
                    case 1: bytes.remove(at: position)
                    default: bytes.insert(.random(in: 0...255, using: &random), at: position)
                    }
                }
            }
            let found = try? events(bytes, step: .random(in: 1...97, using: &random))
            let body = (found ?? []).reduce(0) { count, event in
                if case .body(let bytes) = event { count + bytes.readableBytes } else { count }
            }
            #expect(body <= bytes.count)
        }
    }
}

/// The same numbers in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite struct RequestTargetTests {
    @Test func pathAndQueryAreDecoded() throws {
        let target = try RequestTarget("/images/a%2Fb:c/json?x=1&x=2&y=a%20b+c&z&bad=%zz")
        #expect(target.path == "/images/a/b:c/json")
        #expect(target.query.all("x") == ["1", "2"] && target.query["y"] == "a b c")
        #expect(target.query["z"] == "" && target.query["bad"] == nil)
    }

    @Test func absoluteFormIsReadWithoutItsHost() throws {
        #expect(try RequestTarget("http://docker/v1.41/info").path == "/v1.41/info")
        #expect(try RequestTarget("http://docker").path == "/")
    }

    @Test func brokenEscapeInThePathIsRefused() {
        #expect(throws: HTTPSyntaxError.self) { try RequestTarget("/a%4") }
    }

    @Test(arguments: [
        ("1", true), ("true", true), ("yes", true), ("0", false), ("no", false), ("False", false),
        ("", false),
    ])
    func flagsAreDockers(text: String, value: Bool) throws {
        #expect(try RequestTarget("/?f=\(text)").query.flag("f") == value)
    }

    /// A client that tries TLS first on a plain port must see a refusal, not silence.
    @Test func greetingOfTLSIsRefusedAtItsFirstByte() throws {
        var parser = RequestParser()
        parser.append(ByteBuffer(bytes: [0x16]))
        #expect(throws: HTTPSyntaxError.self) { try parser.next() }
    }
}
