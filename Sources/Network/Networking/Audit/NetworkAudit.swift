/// Who reaches which container, as the rules say that are in the kernel at that moment, another program's included.
package struct NetworkAudit: Sendable, Codable, Hashable {
    package enum Verdict: String, Sendable, Codable {
        case reachable, blocked
        /// It depends on what a rule asks that cannot be known beforehand, such as a rate or a mark.
        case unknown
    }

    package enum Source: String, Sendable, Codable {
        /// Another container, named in `from`.
        case container
        /// A program of the host.
        case host
        /// Another machine, by the interface named in `from`.
        case outside
    }

    /// Whether the first packet of a connection arrives.
    package struct Path: Sendable, Codable, Hashable {
        package var source: Source
        /// The container's name or the interface; empty for the host.
        package var from: String
        /// The container's name.
        package var to: String
        package var network: String
        /// Where the connection is made to: the container's own address, or one of the host's for a published port.
        package var address: IPAddress
        /// nil for a port of the container that is not published.
        package var port: UInt16?
        /// `tcp`, `udp`, `sctp`; the answer for a port that is not published is about TCP.
        package var transport: TransportProtocol
        package var verdict: Verdict
        /// What decides; empty where nothing stands in the way.
        package var reason: String
    }

    /// Something about the host that keeps containers from working as their networks promise.
    package struct Finding: Sendable, Codable, Hashable {
        package var message: String
        /// What to do about it.
        package var remedy: String
    }

    package var paths: [Path]
    package var findings: [Finding]
}
