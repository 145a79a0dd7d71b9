import Logging
import OCIModel
import ShimProtocol

extension Container {
    /// Milliseconds that the last output of a probe is waited for once its program has ended.
    private static let outputPatience: Int64 = 2000

    nonisolated var healthSchedule: HealthSchedule? { HealthSchedule(spec.healthcheck, shell: spec.shell) }

    /// Probes from now on, until the run ends or the container is paused.
    func beginProbing() {
        guard let schedule = healthSchedule, case .running(let running) = state else { return }
        probing?.cancel()
        let (reactor, started) = (parts.reactor, running.startedAt)
        probing = Task {
            while !Task.isCancelled {
                let age = (Timestamp.now.totalNanoseconds - started.totalNanoseconds) / 1_000_000
                let status = self.progress.health?.status ?? .starting
                let pause = OneShot<Void>()
                do {
                    _ = try await pause.wait(
                        milliseconds: schedule.pause(status, sinceStart: age), on: reactor)
                } catch {
                    return
                }
                guard let result = await self.probe(schedule) else { return }
                self.record(result, schedule, started)
            }
        }
    }

    func endProbing() {
        probing?.cancel()
        probing = nil
    }

    private func record(_ result: HealthResult, _ schedule: HealthSchedule, _ started: Timestamp) {
        guard state.runningState?.startedAt == started, !Task.isCancelled else { return }
        var health = progress.health ?? HealthState()
        let hasChanged = health.add(result, schedule, startedAt: started)
        note { $0.health = health }
        if hasChanged { publish("health_status: \(health.status.rawValue)") }
    }

    /// - Returns: nil where the probe was called off
    private func probe(_ schedule: HealthSchedule) async -> HealthResult? {
        let start = Timestamp.now
        func result(_ code: Int32, _ output: String) -> HealthResult? {
            Task.isCancelled
                ? nil : HealthResult(start: start, end: .now, exitCode: code, output: output)
        }
        var exec = ExecSpec(command: schedule.command)
        exec.attachStandardOutput = true
        exec.attachStandardError = true
        exec.isPrivileged = spec.security.isPrivileged
        let record = ExecRecord(id: randomID(), containerID: id, spec: exec, hasStarted: true)
        let ended = parts.execs.expect(record)
        defer { parts.execs.remove(record.id) }
        do {
            let output = try await launchProbe(record)
            defer { output.close() }
            guard let code = try await ended.wait(milliseconds: schedule.timeout, on: parts.reactor) else {
                await killProbe(record.id)
                return result(-1, "Health check exceeded timeout (\(DurationText.of(schedule.timeout)))")
            }
            _ = try await output.ended.wait(milliseconds: Self.outputPatience, on: parts.reactor)
            return result(code, output.text)
        } catch is CancellationError {
            await killProbe(record.id)
            return nil
        } catch {
            return result(-1, (error as? any CategorizedError)?.message ?? "\(error)")
        }
    }

    private func launchProbe(_ record: ExecRecord) async throws -> ProbeOutput {
        let command = record.spec.commandText
        let attributes = ["execID": record.id]
        publish("exec_create: \(command)", attributes)
        publish("exec_start: \(command)", attributes)
        guard !record.spec.command.isEmpty else { throw EngineError.invalid("No exec command specified") }
        let (output, theirs) = try ProbeOutput.make(parts.reactor)
        let attachment = AttachRequest(
            id: randomID(), execID: record.id, stdin: false, stdout: true, stderr: true, detachKeys: [],
            socket: theirs)
        do {
            try await exec(record, [attachment], nil)
        } catch {
            output.close()
            throw error
        }
        return output
    }

    private func killProbe(_ execID: String) async {
        guard let session else { return }
        do {
            try await session.request(.signal(execID: execID, number: 9, all: false), seconds: 10)
        } catch let error as ShimError where [.notFound, .disconnected].contains(error.code) {
            // It has ended meanwhile.
        } catch {
            log("cannot end a health check that takes too long", error)
        }
    }
}

/// Durations as Go writes them.
enum DurationText {
    /// `500ms`, `1.5s`, `1m30s`, `2h0m0s`.
    static func of(_ milliseconds: Int64) -> String {
        if milliseconds < 1000 { return milliseconds == 0 ? "0s" : "\(milliseconds)ms" }
        let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000)
        var seconds = "\(rest / 1000)"
        if rest % 1000 != 0 {
            var fraction = String(String(1000 + rest % 1000).dropFirst())
            while fraction.hasSuffix("0") { fraction.removeLast() }
            seconds += ".\(fraction)"
        }
        if minutes == 0 { return "\(seconds)s" }
        if minutes < 60 { return "\(minutes)m\(seconds)s" }
        return "\(minutes / 60)h\(minutes % 60)m\(seconds)s"
    }
}
