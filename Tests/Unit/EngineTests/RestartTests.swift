import JSONCodec
import OCIModel
import Testing

@testable import Engine

@Suite struct RestartTests {
    @Test func pausesDoubleUpToAMinute() {
        var backoff = RestartBackoff()
        let delays = (0..<12).map { _ in backoff.next(afterRunOf: 0) }
        #expect(delays == [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000])
    }

    @Test func aRunOfTenSecondsBeginsAnew() {
        var backoff = RestartBackoff()
        for _ in 0..<5 { _ = backoff.next(afterRunOf: 9_999_999_999) }
        #expect(backoff.delay == 1600)
        #expect(backoff.next(afterRunOf: 10_000_000_000) == 100)
        #expect(backoff.next(afterRunOf: 0) == 200)
        backoff.reset()
        #expect(backoff.next(afterRunOf: 0) == 100)
    }

    @Test func policiesDecideAsDockers() {
        func restarts(_ policy: RestartPolicy, _ code: Int32, _ count: Int = 0, stopped: Bool = false) -> Bool
        {
            policy.restarts(afterExit: code, count: count, isStopped: stopped)
        }
        #expect(!restarts(.no, 1))
        #expect(restarts(.always, 0) && restarts(.unlessStopped, 0))
        #expect(!restarts(.always, 1, stopped: true) && !restarts(.unlessStopped, 1, stopped: true))
        #expect(!restarts(.onFailure(maximum: 0), 0) && restarts(.onFailure(maximum: 0), 1, 1000))
        #expect(restarts(.onFailure(maximum: 3), 1, 2) && !restarts(.onFailure(maximum: 3), 1, 3))
        #expect(!restarts(.onFailure(maximum: 3), 137, 0, stopped: true))
    }

    @Test func onlyAlwaysStartsWhatWasStopped() {
        #expect(RestartPolicy.always.startsWithEngine(isStopped: true))
        #expect(!RestartPolicy.unlessStopped.startsWithEngine(isStopped: true))
        #expect(RestartPolicy.unlessStopped.startsWithEngine(isStopped: false))
        #expect(!RestartPolicy.onFailure(maximum: 0).startsWithEngine(isStopped: false))
        #expect(!RestartPolicy.no.startsWithEngine(isStopped: false))
    }

    @Test func recordsOfEarlierVersionsAreRead() throws {
        let text = """
            {"state":{"created":{}},"lastError":"","failureCode":0,"endpoints":[],"restartCount":0}
            """
        let progress = try JSONValue(parsing: text).decode(ContainerProgress.self)
        #expect(progress == ContainerProgress())
        var changed = ContainerProgress()
        changed.isStopped = true
        changed.changes.restartPolicy = .onFailure(maximum: 2)
        changed.changes.resources = Resources()
        changed.health = HealthState()
        let again = try JSONValue(encoding: changed).decode(ContainerProgress.self)
        #expect(again == changed)
    }
}
