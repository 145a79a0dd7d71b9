import NIOSSL
import Synchronization

/// The certificate and key of a server. Can be read anew while connections are open; those keep what they began with.
package final class ServerTLS: Sendable {
    private let certificatePath: String
    private let keyPath: String
    private let clientAuthorities: String?
    private let context: Mutex<NIOSSLContext>

    /// - Parameters:
    ///   - certificate: path of a PEM file: the server's certificate, then those between it and the authority's
    ///   - key: path of a PEM file with the private key, not encrypted
    ///   - clientAuthorities: path of a PEM file with the authorities whose certificates clients have to show; nil
    ///     where clients need none
    /// - Throws: `HTTPTransportError` (`tlsInvalid`)
    package init(certificate: String, key: String, clientAuthorities: String? = nil)
        throws(HTTPTransportError)
    {
        certificatePath = certificate
        keyPath = key
        self.clientAuthorities = clientAuthorities
        context = Mutex(
            try Self.load(certificate: certificate, key: key, clientAuthorities: clientAuthorities))
    }

    /// Reads the files again, for connections from now on. After a failure the old ones stay in use.
    package func reload() throws(HTTPTransportError) {
        let new = try Self.load(
            certificate: certificatePath, key: keyPath, clientAuthorities: clientAuthorities)
        context.withLock { $0 = new }
    }

    func handler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: context.withLock { $0 }) }

    private static func load(
        certificate: String, key: String, clientAuthorities: String?
    ) throws(HTTPTransportError) -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            guard !chain.isEmpty else {
                throw HTTPTransportError(.tlsInvalid, "\(certificate) holds no certificate in PEM form")
            }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            if let clientAuthorities {
                configuration.trustRoots = .file(clientAuthorities)
                configuration.certificateVerification = .noHostnameVerification
            }
            return try NIOSSLContext(configuration: configuration)
        } catch let error as HTTPTransportError {
            throw error
        } catch {
            throw HTTPTransportError(
                .tlsInvalid, "cannot use the certificate \(certificate) with the key \(key): \(error)",
                cause: error)
        }
    }
}
