import Glibc
import LinuxKernel
import ShimProtocol
import Synchronization
import Testing

@testable import Engine

@Suite struct ConcurrencyTests {
    private final class Occupancy: Sendable {
        let state = Mutex((now: 0, most: 0, total: 0))
    }

    @Test func theGateLetsOneThroughAtATime() async {
        let gate = SerialGate()
        let inside = Occupancy()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    await gate.run {
                        inside.state.withLock { state in
                            state.now += 1
                            state.most = max(state.most, state.now)
                        }
                        await Task.yield()
                        inside.state.withLock { state in
                            state.now -= 1
                            state.total += 1
                        }
                    }
                }
            }
        }
        #expect(inside.state.withLock { $0.most } == 1 && inside.state.withLock { $0.total } == 50)
    }

    @Test func aOneShotReachesEverybodyOnceAndKeepsItsFirstValue() async throws {
        let shot = OneShot<Int>()
        async let first = shot.wait()
        async let second = shot.wait()
        #expect(shot.fulfil(1))
        #expect(!shot.fulfil(2))
        #expect(try await first == 1)
        #expect(try await second == 1)
        #expect(try await shot.wait() == 1)
    }

    @Test func aCancelledWaiterGoesWithoutTheValue() async {
        let shot = OneShot<Int>()
        let task = Task { try await shot.wait() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func waitingForAOneShotEndsWithTheTime() async throws {
        let reactor = try Reactor()
        defer { reactor.stop() }
        #expect(try await OneShot<Int>().wait(milliseconds: 1, on: reactor) == nil)
        let shot = OneShot<Int>()
        shot.fulfil(5)
        #expect(try await shot.wait(milliseconds: 60_000, on: reactor) == 5)
    }

    @Test func thePoolRunsMoreJobsThanItKeepsThreads() async throws {
        let pool = BlockingPool(kept: 1, bound: 4)
        defer { pool.stop() }
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<100 { group.addTask { try await pool.run { number } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 4950)
    }

    @Test func workThatWaitsForClientsKeepsNoThreadFromOthers() async throws {
        let pool = BlockingPool(kept: 1, bound: 1)
        defer { pool.stop() }
        var ends: [(read: Int32, write: Int32)] = []
        for _ in 0..<8 { ends.append(try makePipe()) }
        defer { for end in ends { close(end.read) } }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for end in ends {
                group.addTask {
                    try await pool.runAlone {
                        var byte: UInt8 = 0
                        return read(end.read, &byte, 1)
                    }
                }
            }
            #expect(try await pool.run { 7 } == 7)
            for end in ends { close(end.write) }
            for try await count in group { #expect(count == 0) }
        }
    }

    @Test func theReactorTellsOfReadability() async throws {
        let reactor = try Reactor()
        defer { reactor.stop() }
        let (input, output) = try makePipe()
        let reading = Descriptor(owning: input)
        let writing = Descriptor(owning: output)
        let seen = OneShot<Void>()
        let token = try reactor.add(reading.rawValue) { seen.fulfil(()) }
        try writeAll(writing.rawValue, [1])
        try await seen.wait()
        reactor.remove(token)
    }

    @Test func aStartWaitsForStreamsThatWerePromised() async throws {
        let reactor = try Reactor()
        defer { reactor.stop() }
        let queue = AttachmentQueue()
        let (connection, end) = try ShimConnection.makePair()
        let place = queue.reserve()
        let other = queue.reserve()
        async let waiting = queue.close(reactor: reactor)
        queue.abandon(other)
        #expect(queue.add(AttachRequest(id: "a", socket: end), for: place))
        #expect(try await waiting.map(\.id) == ["a"])
        #expect(!queue.add(AttachRequest(id: "b", socket: end), for: queue.reserve()))
        queue.open()
        #expect(queue.add(AttachRequest(id: "c", socket: end), for: queue.reserve()))
        _ = connection
    }

    @Test func aLockedRootIsRefused() throws {
        let folder = "/tmp/skiff-engine-lock-\(getpid())"
        defer { _ = try? removeTree(folder) }
        try makeDirectories(folder, mode: 0o700)
        // A lock of another owner than this process, as another engine's.
        let other = try openFile("\(folder)/lock", O_RDWR | O_CREAT, mode: 0o600)
        var record = flock()
        record.l_type = Int16(F_WRLCK)
        #expect(fcntl(other.rawValue, 37 /* F_OFD_SETLK */, &record) == 0)
        let error = #expect(throws: EngineError.self) { try RootLock(folder) }
        #expect(error?.code == .rootInUse)
    }

    /// As when the daemon is killed between the clone and the exec of a shim.
    @Test func aChildThatHoldsTheFileDoesNotHoldTheRoot() throws {
        let folder = "/tmp/skiff-engine-lock-child-\(getpid())"
        defer { _ = try? removeTree(folder) }
        let child = try childOfHolder(folder)
        defer {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
        }
        _ = try RootLock(folder)
    }

    /// Takes the root, spawns a process that inherits the locked file, and gives the root up.
    private func childOfHolder(_ folder: String) throws -> pid_t {
        let lock = try RootLock(folder)
        defer { withExtendedLifetime(lock) {} }
        let held = try #require(
            (0..<1024).first {
                var target = [UInt8](repeating: 0, count: 4096)
                let count = readlink("/proc/self/fd/\($0)", &target, target.count)
                return count > 0 && String(decoding: target[..<count], as: UTF8.self) == "\(folder)/lock"
            })
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, Int32(held), Int32(held))
        var arguments = [strdup("sleep"), strdup("1000"), nil]
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        #expect(posix_spawn(&child, "/bin/sleep", &actions, nil, &arguments, nil) == 0)
        return child
    }
}
