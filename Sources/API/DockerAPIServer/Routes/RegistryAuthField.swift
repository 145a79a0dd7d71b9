import HTTPTransport
import JSONCodec
import OCIModel
import RegistryClient

extension Request {
    /// Who the client is for a registry: the field `X-Registry-Auth`, Base64 of a JSON object.
    /// - Returns: no credentials where the field is absent
    /// - Throws: `APIError` where it is damaged; its content is in no message
    func registryCredentials() throws -> RegistryCredentials {
        guard let text = head["x-registry-auth"], !text.isEmpty else { return RegistryCredentials() }
        guard let bytes = Base64.decode(text), let value = try? JSONValue(parsing: bytes) else {
            throw APIError.badRequest("invalid X-Registry-Auth header: it is no Base64 of a JSON object")
        }
        return RegistryCredentials(value)
    }
}

extension RegistryCredentials {
    /// From Docker's `AuthConfig`; `auth` is user and password in one.
    init(_ value: JSONValue) {
        self.init()
        username = value["username"]?.stringValue ?? ""
        password = value["password"]?.stringValue ?? ""
        identityToken = value["identitytoken"]?.stringValue ?? ""
        registryToken = value["registrytoken"]?.stringValue ?? ""
        if username.isEmpty, let auth = value["auth"]?.stringValue, let bytes = Base64.decode(auth) {
            let text = String(decoding: bytes, as: UTF8.self)
            if let colon = text.firstIndex(of: ":") {
                username = String(text[..<colon])
                password = String(text[text.index(after: colon)...])
            }
        }
    }
}
