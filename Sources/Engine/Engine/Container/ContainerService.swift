import Cgroups
import LinuxKernel
import OCIModel
import ShimProtocol

/// Containers: everything that Docker's `/containers` does. References are names, ids and unambiguous id prefixes.
package final class ContainerService: Sendable {
    let parts: EngineParts

    init(_ parts: EngineParts) { self.parts = parts }

    func find(_ reference: String) throws(EngineError) -> Container { try parts.registry.find(reference) }

    /// Makes a container without starting it. Nothing is left behind where it throws.
    /// - Parameter name: nil for a generated one
    package func create(_ spec: ContainerSpec, name: String?) async throws -> ContainerCreated {
        try await ContainerCreation(parts: parts, spec: spec, requestedName: name).run()
    }

    package func start(_ reference: String, detachKeys: [UInt8] = []) async throws -> StateChange {
        try await find(reference).start()
    }

    /// - Parameters:
    ///   - signal: name or number; nil for the container's own
    ///   - timeout: seconds until SIGKILL; nil for the container's own, -1 for never
    package func stop(_ reference: String, signal: String? = nil, timeout: Int? = nil) async throws
        -> StateChange
    {
        try await find(reference).stop(signal: signal, timeout: timeout)
    }

    package func restart(_ reference: String, signal: String? = nil, timeout: Int? = nil) async throws {
        try await find(reference).restart(signal: signal, timeout: timeout)
    }

    /// - Parameter signal: name or number; nil for SIGKILL
    package func kill(_ reference: String, signal: String? = nil) async throws {
        try await find(reference).kill(reference, signal: signal)
    }

    package func wait(_ reference: String, condition: WaitCondition) async throws -> ExitWaiter {
        try await find(reference).waiter(condition)
    }

    package func rename(_ reference: String, to name: String) async throws {
        try await find(reference).rename(to: name)
    }

    package func pause(_ reference: String) async throws { try await find(reference).pause() }

    package func unpause(_ reference: String) async throws { try await find(reference).unpause() }

    /// - Parameter arguments: those of `ps`, such as `-ef`; empty for that
    package func top(_ reference: String, arguments: String) async throws -> ProcessTable {
        let container = try find(reference)
        try container.requireNotRestarting()
        guard container.state.isRunning else {
            throw EngineError(.wrongState, "Container \(container.id) is not running")
        }
        let cgroups = parts.cgroups
        let paths = parts.configuration.cgroupPaths(
            parent: container.spec.cgroupParent, id: container.id, on: cgroups)
        let table = try await parts.pool.run {
            let path = try paths.first { try cgroups.has($0) }
            let processes = try path.map { try cgroups.existing($0).processes(recursive: true) } ?? []
            return try ProcessListing.table(of: processes, arguments: arguments)
        }
        container.publish("top")
        return table
    }

    /// The log in batches, in the order of writing; with `follow`, until the container ends or is removed.
    package func logs(_ reference: String, _ options: LogOptions) async throws -> LogSequence {
        let container = try find(reference)
        guard options.standardOutput || options.standardError else {
            throw EngineError.invalid("You must choose at least one stream")
        }
        let path = parts.paths(of: container).log
        guard !path.isEmpty else {
            throw EngineError(
                .notBuilt, "configured logging driver does not support reading", category: .invalidArgument)
        }
        let cursor = try await LogCursor(
            path: path, options: options, pool: parts.pool, reactor: parts.reactor, logger: parts.logger,
            ended: { try await container.logEnd() })
        return LogSequence(terminal: container.spec.process.terminal, cursor: cursor)
    }

    /// Checks that a client may attach and reserves its place: a `start` that comes after waits for the streams.
    /// The edge then answers the upgrade and calls `connect`.
    package func attach(_ reference: String, _ options: AttachOptions) async throws -> AttachReservation {
        let container = try find(reference)
        try container.requireNotRestarting()
        switch container.state {
        case .paused:
            throw EngineError(
                .wrongState, "container \(container.id) is paused, unpause the container before attach")
        case .removing, .dead:
            throw EngineError(.wrongState, "container \(container.id) is marked for removal")
        default: break
        }
        if container.state.isRunning { return AttachReservation(container, options, place: nil, replay) }
        let place = container.attachments.reserve()
        return AttachReservation(container, options, place: place, replay)
    }

    /// The log of a container that has no shim, as the stream of a client.
    @Sendable private func replay(
        _ container: Container, _ options: AttachOptions, to stream: SharedDescriptor
    ) async throws {
        var log = LogOptions()
        log.standardOutput = options.standardOutput
        log.standardError = options.standardError
        let isRaw = container.spec.process.terminal
        if options.includesLogs {
            for try await batch in try await logs(container.id, log) {
                let bytes = batch.flatMap { isRaw ? $0.bytes : ClientStream.frame($0.stream, $0.bytes) }
                try await parts.pool.runAlone { try ClientStream.send(bytes, to: stream) }
            }
        }
        ClientStream.finish(stream, with: [])
    }

    package func resize(_ reference: String, _ size: TerminalSize) async throws {
        try await find(reference).resize(size)
    }

    package func remove(_ reference: String, _ options: RemoveOptions) async throws {
        try await find(reference).remove(options)
    }
}

/// Batches of log entries.
package struct LogSequence: AsyncSequence, Sendable {
    package typealias Element = [LogEntry]

    /// Whether the container has a terminal: then nothing is framed.
    package let terminal: Bool
    let cursor: LogCursor

    package struct Iterator: AsyncIteratorProtocol {
        let cursor: LogCursor

        package mutating func next() async throws -> [LogEntry]? { try await cursor.next() }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(cursor: cursor) }
}
