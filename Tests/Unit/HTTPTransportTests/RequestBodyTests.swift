import Glibc
import NIOCore
import Synchronization
import Testing

@testable import HTTPTransport

@Suite struct RequestBodyTests {
    /// A producer that stops while there is no room, a reader of another pace: everything arrives, nothing hangs.
    @Test(arguments: [61, 700, 65536, 600_000])
    func everythingArrivesWhateverTheReadersPace(step: Int) async throws {
        let resumed = Mutex(0)
        let body = RequestBody { resumed.withLock { $0 += 1 } }
        let total = 3 << 20
        let reader = ReaderThread(body, step: step)
        try reader.start()
        var sent = 0
        while sent < total {
            // Two pieces at once, as one read of the socket may bring them.
            let before = resumed.withLock { $0 }
            var hasRoom = true
            for _ in 0..<2 {
                hasRoom = body.put(ByteBuffer(repeating: 1, count: 48 << 10)) && hasRoom
                sent += 48 << 10
            }
            while !hasRoom, resumed.withLock({ $0 }) == before { await Task.yield() }
        }
        body.finish(complete: true)
        while reader.isRunning { await Task.yield() }
        #expect(reader.count == sent)
    }

    @Test func bodyThatEndsTooEarlyIsAnError() throws {
        let body = RequestBody {}
        _ = body.put(ByteBuffer(string: "abc"))
        body.finish(complete: false)
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(try bytes.withUnsafeMutableBytes { try body.read(into: $0) } == 3)
        #expect(throws: HTTPTransportError.self) {
            try bytes.withUnsafeMutableBytes { try body.read(into: $0) }
        }
    }

    @Test func abandonedBodyTakesEverythingAndKeepsNothing() {
        let resumed = Mutex(0)
        let body = RequestBody { resumed.withLock { $0 += 1 } }
        #expect(!body.put(ByteBuffer(repeating: 0, count: RequestBody.capacity)))
        body.abandon()
        #expect(resumed.withLock { $0 } == 1)
        #expect(body.put(ByteBuffer(repeating: 0, count: RequestBody.capacity)))
    }
}

/// Reads a body to its end on a thread of its own, as the engine's blocking pool does: Swift's pool must not block.
private final class ReaderThread: Sendable {
    private let body: RequestBody
    private let step: Int
    private let result = Mutex<Int?>(nil)

    init(_ body: RequestBody, step: Int) {
        self.body = body
        self.step = step
    }

    var isRunning: Bool { result.withLock { $0 == nil } }
    var count: Int { result.withLock { $0 ?? -1 } }

    func start() throws {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ReaderThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        try #require(code == 0)
        pthread_detach(thread)
    }

    private func run() {
        var count = 0
        var bytes = [UInt8](repeating: 0, count: step)
        while true {
            let read = (try? bytes.withUnsafeMutableBytes { try body.read(into: $0) }) ?? -1
            guard read > 0 else { break }
            count += read
        }
        result.withLock { $0 = count }
    }
}
