package import OCIModel

/// What the probes of a container have found: Docker's `State.Health`.
package struct HealthState: Sendable, Hashable, Codable {
    package enum Status: String, Sendable, Codable { case starting, healthy, unhealthy }

    package var status = Status.starting
    /// Failures in a row.
    package var failingStreak = 0
    /// The last five, oldest first.
    package var log: [HealthResult] = []

    package init() {}
}

/// One probe.
package struct HealthResult: Sendable, Hashable, Codable {
    package var start: Timestamp
    package var end: Timestamp
    /// 0 is healthy; -1 where the probe could not be made, or took too long.
    package var exitCode: Int32
    /// At most 4 KiB of what it printed.
    package var output: String

    package init(start: Timestamp, end: Timestamp, exitCode: Int32, output: String) {
        self.start = start
        self.end = end
        self.exitCode = exitCode
        self.output = output
    }
}
