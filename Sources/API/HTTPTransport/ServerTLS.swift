import Synchronization
import TLS

/// The certificate and key of a server. Can be read anew while connections are open; those keep what they began with.
package final class ServerTLS: Sendable {
    private let identity: TLSContext.Identity
    private let clientAuthorities: String?
    private let context: Mutex<TLSContext>

    /// - Parameters:
    ///   - certificate: path of a PEM file: the server's certificate, then those between it and the authority's
    ///   - key: path of a PEM file with the private key, not encrypted
    ///   - clientAuthorities: path of a PEM file with the authorities whose certificates clients have to show; nil
    ///     where clients need none
    /// - Throws: `HTTPTransportError` (`tlsInvalid`)
    package init(certificate: String, key: String, clientAuthorities: String? = nil)
        throws(HTTPTransportError)
    {
        identity = TLSContext.Identity(certificate: certificate, key: key)
        self.clientAuthorities = clientAuthorities
        context = Mutex(try Self.load(identity, clientAuthorities))
    }

    /// Reads the files again, for connections from now on. After a failure the old ones stay in use.
    package func reload() throws(HTTPTransportError) {
        let new = try Self.load(identity, clientAuthorities)
        context.withLock { $0 = new }
    }

    /// What encrypts one connection.
    /// - Throws: `TLSError`
    func handler() throws -> TLSHandler {
        try TLSHandler(TLSPipe(TLSSession(context.withLock { $0 })))
    }

    private static func load(
        _ identity: TLSContext.Identity, _ clientAuthorities: String?
    ) throws(HTTPTransportError) -> TLSContext {
        do throws(TLSError) {
            return try TLSContext(server: identity, clientAuthorities: clientAuthorities)
        } catch {
            throw HTTPTransportError(.tlsInvalid, error.message, cause: error)
        }
    }
}
