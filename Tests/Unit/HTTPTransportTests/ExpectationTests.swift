import NIOCore
import Synchronization
import Testing

@testable import HTTPTransport

/// Clients that wait to be asked for a body.
@Suite struct ExpectationTests {
    private static func counted() -> (BodyExpectation, () -> Int) {
        let count = Counter()
        return (BodyExpectation { count.increase() }, { count.value })
    }

    private final class Counter: Sendable {
        private let state = Mutex(0)
        var value: Int { state.withLock { $0 } }
        func increase() { state.withLock { $0 += 1 } }
    }

    @Test func bodyIsAskedForOnceAndWhenItIsRead() throws {
        let (expectation, asked) = Self.counted()
        let body = RequestBody(expectation: expectation) {}
        _ = body.put(ByteBuffer(string: "ab"))
        body.finish(complete: true)
        #expect(asked() == 0)
        var room = [UInt8](repeating: 0, count: 1)
        #expect(try room.withUnsafeMutableBytes { try body.read(into: $0) } == 1)
        #expect(try room.withUnsafeMutableBytes { try body.read(into: $0) } == 1)
        #expect(asked() == 1)
        #expect(!expectation.forgo())
    }

    @Test func answeredRequestAsksForNothingAndWaitsForNothing() async throws {
        let (expectation, asked) = Self.counted()
        let body = RequestBody(expectation: expectation) {}
        #expect(expectation.forgo())
        await #expect(throws: HTTPTransportError.self) { () async throws -> Void in
            _ = try await body.next()
        }
        var room = [UInt8](repeating: 0, count: 1)
        #expect(throws: HTTPTransportError.self) {
            try room.withUnsafeMutableBytes { try body.read(into: $0) }
        }
        #expect(asked() == 0)
    }
}
