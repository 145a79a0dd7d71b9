import Glibc
import Logging
import Testing

@testable import ServiceProcess

@Suite(.serialized) struct SignalTests {
    @Test func signalsComeAsAStream() async throws {
        let signals = try Signals.stream(of: [SIGUSR2])
        kill(getpid(), SIGUSR2)
        var iterator = signals.makeAsyncIterator()
        #expect(await iterator.next() == SIGUSR2)
    }

    @Test func nobodyIsToldWhereNobodyAsked() {
        if getenv("NOTIFY_SOCKET") == nil { #expect(!Readiness.notify("READY=1")) }
    }

    @Test(arguments: [
        ("debug", Logger.Level.debug), ("warn", .warning), ("info", .info), ("fatal", .critical),
    ])
    func levelsAreDockersWords(text: String, level: Logger.Level) {
        #expect(LogOutput.level(text) == level)
        let threshold = LogOutput.Threshold(level)
        var output = LogOutput(threshold: threshold, isJSON: false)
        output.logLevel = .error
        #expect(threshold.value == .error)
    }
}
