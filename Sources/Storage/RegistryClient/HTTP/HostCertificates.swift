import Glibc
import LinuxKernel
import TLS

/// What lies in a host's folder below `certs.d`, as Docker has it: every `*.crt` is an authority, every `*.cert` a client
/// certificate whose key is in the `*.key` beside it.
struct HostCertificates: Sendable, Hashable {
    var authorities: [String] = []
    var clients: [TLSContext.Identity] = []

    init() {}

    /// - Parameter host: as in references, with its port where that is given
    /// - Throws: `RegistryError` where a certificate has no key, or the other way round
    init(host: String, folders: [String]) throws {
        guard !host.contains("/"), host != "..", host != "." else { return }
        for folder in folders {
            let path = "\(folder)/\(host)"
            guard fileExists(path) else { continue }
            let names: [String]
            do {
                let folder = try openFile(path, O_RDONLY | O_DIRECTORY)
                names = try directoryNames(of: folder.rawValue).map(displayName).sorted()
            } catch {
                throw RegistryError(.untrusted, "cannot read \(path): \(error)", cause: error)
            }
            for name in names {
                if name.hasSuffix(".crt") { authorities.append("\(path)/\(name)") }
                if name.hasSuffix(".cert") {
                    let key = name.dropLast(4) + "key"
                    guard names.contains(String(key)) else {
                        throw RegistryError(
                            .untrusted,
                            "missing key \(key) for client certificate \(name). CA certificates must use the "
                                + "extension .crt")
                    }
                    clients.append(
                        TLSContext.Identity(certificate: "\(path)/\(name)", key: "\(path)/\(key)"))
                }
                if name.hasSuffix(".key"), !names.contains(String(name.dropLast(3) + "cert")) {
                    throw RegistryError(
                        .untrusted, "missing client certificate \(name.dropLast(3))cert for key \(name)")
                }
            }
            return
        }
    }
}
