package import LinuxKernel

/// Containers: everything that Docker's `/containers` does. References are names, ids and unambiguous id prefixes.
package final class ContainerService: Sendable {
    init() {}

    /// Makes a container without starting it. Nothing is left behind where it throws.
    /// - Parameter name: nil for a generated one
    package func create(_ spec: ContainerSpec, name: String?) async throws -> ContainerCreated {
        throw EngineError.notBuilt("create")
    }

    /// Newest first.
    package func list(_ options: ListOptions) throws -> [ContainerInspection] { [] }

    package func inspect(_ reference: String) throws -> ContainerInspection {
        throw EngineError.noSuchContainer(reference)
    }

    /// Reads the disk; may take long.
    package func size(_ reference: String) async throws -> ContainerSize {
        throw EngineError.noSuchContainer(reference)
    }

    package func start(_ reference: String, detachKeys: [UInt8] = []) async throws -> StateChange {
        throw EngineError.noSuchContainer(reference)
    }

    /// - Parameters:
    ///   - signal: name or number; nil for the container's own
    ///   - timeout: seconds until SIGKILL; nil for the container's own, -1 for never
    package func stop(_ reference: String, signal: String? = nil, timeout: Int? = nil) async throws
        -> StateChange
    {
        throw EngineError.noSuchContainer(reference)
    }

    package func restart(_ reference: String, signal: String? = nil, timeout: Int? = nil) async throws {
        throw EngineError.noSuchContainer(reference)
    }

    /// - Parameter signal: name or number; nil for SIGKILL
    package func kill(_ reference: String, signal: String? = nil) async throws {
        throw EngineError.noSuchContainer(reference)
    }

    package func wait(_ reference: String, condition: WaitCondition) async throws -> ExitWaiter {
        throw EngineError.noSuchContainer(reference)
    }

    package func rename(_ reference: String, to name: String) async throws {
        throw EngineError.noSuchContainer(reference)
    }

    package func pause(_ reference: String) async throws { throw EngineError.noSuchContainer(reference) }

    package func unpause(_ reference: String) async throws { throw EngineError.noSuchContainer(reference) }

    /// - Parameter arguments: those of `ps`, such as `-ef`; empty for that
    package func top(_ reference: String, arguments: String) async throws -> ProcessTable {
        throw EngineError.noSuchContainer(reference)
    }

    /// The log in batches, in the order of writing; with `follow`, until the container ends or is removed.
    package func logs(_ reference: String, _ options: LogOptions) async throws -> LogSequence {
        throw EngineError.noSuchContainer(reference)
    }

    /// Checks that a client may attach and reserves its place: a `start` that comes after waits for the streams.
    /// The edge then answers the upgrade and calls `connect`.
    package func attach(_ reference: String, _ options: AttachOptions) async throws -> AttachReservation {
        throw EngineError.noSuchContainer(reference)
    }

    package func resize(_ reference: String, _ size: TerminalSize) async throws {
        throw EngineError.noSuchContainer(reference)
    }

    package func remove(_ reference: String, _ options: RemoveOptions) async throws {
        throw EngineError.noSuchContainer(reference)
    }
}

/// Batches of log entries.
package struct LogSequence: AsyncSequence, Sendable {
    package typealias Element = [LogEntry]
    let stream: AsyncThrowingStream<[LogEntry], any Error>
    /// Whether the container has a terminal: then nothing is framed.
    package let terminal: Bool

    package func makeAsyncIterator() -> AsyncThrowingStream<[LogEntry], any Error>.Iterator {
        stream.makeAsyncIterator()
    }
}

/// A client's place at a container's streams. Dropping it without `connect` gives the place up.
package final class AttachReservation: Sendable {
    /// Whether the container has a terminal: raw stream, else multiplexed frames.
    package let terminal: Bool
    let connection: @Sendable (SharedDescriptor, [UInt8]) async throws -> Void
    let abandon: @Sendable () -> Void

    init(
        terminal: Bool, connection: @escaping @Sendable (SharedDescriptor, [UInt8]) async throws -> Void,
        abandon: @escaping @Sendable () -> Void
    ) {
        self.terminal = terminal
        self.connection = connection
        self.abandon = abandon
    }

    deinit { abandon() }

    /// Gives the client's stream away: the shim reads and writes it from now on, and closes it at the end.
    /// - Parameters:
    ///   - stream: a stream socket, or one end of a pair where the transport is none
    ///   - alreadyRead: what the edge has read of it after the request
    package func connect(_ stream: SharedDescriptor, alreadyRead: [UInt8] = []) async throws {
        try await connection(stream, alreadyRead)
    }
}
