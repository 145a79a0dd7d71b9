import OCIModel
import Testing

@testable import Engine

@Suite struct HealthTests {
    private func schedule(_ test: [String], _ change: (inout Healthcheck) -> Void = { _ in })
        -> HealthSchedule?
    {
        var check = Healthcheck()
        check.test = test
        change(&check)
        return HealthSchedule(check, shell: [])
    }

    @Test func testsAreUnderstood() {
        #expect(HealthSchedule(nil, shell: []) == nil)
        #expect(schedule([]) == nil && schedule(["NONE"]) == nil && schedule(["other"]) == nil)
        #expect(schedule(["CMD", "a", "b"])?.command == ["a", "b"])
        #expect(schedule(["CMD-SHELL", "a b"])?.command == ["/bin/sh", "-c", "a b"])
        var check = Healthcheck()
        check.test = ["CMD-SHELL", "x"]
        #expect(HealthSchedule(check, shell: ["/bin/bash", "-ec"])?.command == ["/bin/bash", "-ec", "x"])
        #expect(throws: EngineError.self) { try HealthSchedule.check(["SHELL", "x"]) }
    }

    @Test func pausesAreShorterWhileItStarts() throws {
        let plain = try #require(schedule(["CMD", "x"]))
        #expect(plain.pause(.starting, sinceStart: 0) == 30_000)
        let starting = try #require(
            schedule(["CMD", "x"]) {
                $0.startPeriod = 60_000_000_000
                $0.interval = 20_000_000_000
            })
        #expect(starting.pause(.starting, sinceStart: 0) == 5000)
        #expect(starting.pause(.starting, sinceStart: 60_000) == 20_000)
        #expect(starting.pause(.healthy, sinceStart: 0) == 20_000)
    }

    @Test func resultsChangeTheStatus() throws {
        let schedule = try #require(
            self.schedule(["CMD", "x"]) {
                $0.retries = 2
                $0.startPeriod = 1_000_000_000
            })
        let start = Timestamp(seconds: 1000)
        func result(_ second: Int64, _ code: Int32) -> HealthResult {
            HealthResult(
                start: Timestamp(seconds: second), end: Timestamp(seconds: second), exitCode: code, output: ""
            )
        }
        var health = HealthState()
        let changed1000 = health.add(result(1000, 1), schedule, startedAt: start)
        #expect(!changed1000)
        #expect(health.failingStreak == 0)
        let changed1001 = health.add(result(1001, 1), schedule, startedAt: start)
        #expect(!changed1001)
        let changed1002 = health.add(result(1002, 1), schedule, startedAt: start)
        #expect(changed1002)
        #expect(health.status == .unhealthy && health.failingStreak == 2)
        let changed1003 = health.add(result(1003, 0), schedule, startedAt: start)
        #expect(changed1003)
        #expect(health.status == .healthy && health.failingStreak == 0)
        for second in 1004..<1010 { _ = health.add(result(Int64(second), 0), schedule, startedAt: start) }
        #expect(health.log.count == 5 && health.log[4].start == Timestamp(seconds: 1009))
        health.begin()
        #expect(health.status == .starting && health.log.count == 5)
    }

    @Test func durationsAreWrittenAsGoDoes() {
        let known: [(Int64, String)] = [
            (0, "0s"), (500, "500ms"), (1000, "1s"), (1500, "1.5s"), (90_000, "1m30s"), (7_200_000, "2h0m0s"),
        ]
        for (milliseconds, text) in known { #expect(DurationText.of(milliseconds) == text) }
    }

    @Test func interfacesAndProcessorTimeAreRead() {
        let text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
              eth0:1296       10    1    2    0     0          0         0      516       6    3    4    0     0       0          0
            """
        let interfaces = InterfaceStatistics.parse(text)
        #expect(interfaces.map(\.name) == ["eth0"])
        #expect(interfaces.first?.receivedBytes == 1296 && interfaces.first?.sentBytes == 516)
        #expect(interfaces.first?.receiveDropped == 2 && interfaces.first?.sendErrors == 3)
        #expect(StatisticsSample.systemTime("cpu  1 2 3 4 5 6 7 8 9 10") == 28 * 10_000_000)
    }

    @Test func updatesReplaceWhatTheyName() {
        var limits = Resources()
        limits.memory = 64 << 20
        limits.memorySwap = 128 << 20
        var wanted = Resources()
        wanted.cpuShares = 10
        wanted.pidsLimit = -1
        let first = limits.merge(wanted)
        #expect(first == nil)
        #expect(limits.memory == 64 << 20 && limits.cpuShares == 10 && limits.pidsLimit == 0)
        wanted.memory = 256 << 20
        let second = limits.merge(wanted)
        #expect(second?.contains("memoryswap") == true)
        limits.nanoCPUs = 1
        wanted = Resources()
        wanted.cpuQuota = 1000
        let third = limits.merge(wanted)
        #expect(
            third
                == "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set")
    }
}
