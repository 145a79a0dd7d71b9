package import OCIModel

/// Something that happened, as Docker's `events` reports it.
package struct EngineEvent: Sendable, Hashable {
    package enum Kind: String, Sendable, Codable { case container, image, network, volume, daemon }

    package var kind: Kind
    /// `create`, `die`, `exec_create: sh -c …`, …
    package var action: String
    /// The id (or name, for images and volumes) of what it happened to.
    package var actorID: String
    package var attributes: [String: String]
    package var time: Timestamp
}

/// The events from a moment on; ends at `until`, or when its task is cancelled.
package struct EventSequence: AsyncSequence, Sendable {
    package typealias Element = EngineEvent
    let stream: AsyncStream<EngineEvent>

    package func makeAsyncIterator() -> AsyncStream<EngineEvent>.Iterator { stream.makeAsyncIterator() }
}
