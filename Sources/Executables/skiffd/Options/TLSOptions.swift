import Glibc
import HTTPTransport

/// Which files the API on TCP is encrypted with: `tls`, `tlsverify`, `tlscacert`, `tlscert`, `tlskey`, as dockerd has them.
struct TLSOptions: Sendable, Equatable {
    let certificate: String
    let key: String
    /// Clients have to show a certificate of these authorities; nil where anybody may connect.
    let clientAuthorities: String?

    /// The port of the API where no address names one.
    static let defaultPort = 2376

    /// - Returns: nil where the API is not encrypted
    static func read(_ reader: OptionReader) throws(OptionError) -> TLSOptions? {
        let verifies = try reader.bool("tlsverify")
        // Who says anything about verifying wants TLS, as in dockerd.
        guard try reader.bool("tls") ?? false || verifies != nil else { return nil }
        let files = TLSOptions(
            certificate: try reader.string("tlscert") ?? "\(folder)/cert.pem",
            key: try reader.string("tlskey") ?? "\(folder)/key.pem",
            clientAuthorities: verifies == true ? try reader.string("tlscacert") ?? "\(folder)/ca.pem" : nil)
        return files
    }

    /// Where the files are that are not named.
    private static var folder: String {
        if let path = getenv("DOCKER_CERT_PATH") { return String(cString: path) }
        return (getenv("HOME").map { String(cString: $0) } ?? "/root") + "/.docker"
    }

    /// - Throws: `OptionError`, naming the file that cannot be used
    func load() throws(OptionError) -> ServerTLS {
        do throws(HTTPTransportError) {
            return try ServerTLS(certificate: certificate, key: key, clientAuthorities: clientAuthorities)
        } catch {
            throw OptionError("tls: \(error.message)")
        }
    }
}
