/// A file of the web, read as it comes. Used by one thread.
package final class WebDownload {
    private let agent: HTTPAgent
    private let answer: HTTPAnswer
    /// Bytes in all; nil where the server does not say.
    package let length: Int64?

    /// Asks for it; follows redirects.
    /// - Throws: `RegistryError`, in Docker's words for an answer that is no success
    package init(_ address: WebAddress, configuration: RegistryConfiguration, interrupter: Interrupter) throws
    {
        agent = HTTPAgent(configuration: configuration, interrupter: interrupter)
        answer = try agent.sendFollowing(HTTPRequest("GET", address))
        guard answer.status == 200 else {
            throw RegistryError(
                answer.status == 404 ? .notFound : .unavailable,
                "failed to GET \(address) with status \(answer.status)")
        }
        length = try answer.head.length()
    }

    /// - Returns: how many bytes; 0 only at the end
    /// - Throws: `RegistryError` where the connection ends before the file does
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try answer.read(into: buffer)
    }
}
