import HTTPTransport
import JSONCodec
import NIOCore
import OCIModel

/// One request that has been let in, and the way to answer it.
struct Exchange: Sendable {
    let head: RequestHead
    let query: Query
    let body: IncomingBody
    let writer: ResponseWriter
    let grants: Grants

    typealias Field = (name: String, value: String)

    static let version: Field = ("Docker-Distribution-Api-Version", "registry/2.0")

    func empty(_ status: Int, _ fields: [Field] = []) async throws {
        try await writer.send(Response(status: status, fields: [Self.version] + fields))
    }

    func json(_ value: JSONValue, type: String = "application/json", _ fields: [Field] = []) async throws {
        try await writer.send(
            Response(
                status: 200, fields: [Self.version, ("Content-Type", type)] + fields,
                body: ByteBuffer(bytes: value.bytes())))
    }

    /// A number among the parameters; nil where it is absent.
    /// - Throws: `RegistryError` (`pageInvalid`)
    func count(_ name: String) throws(RegistryError) -> Int? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard text.utf8.count <= 9, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = Int(text)
        else { throw RegistryError(.pageInvalid, "invalid \(name)=\(text.prefix(32)): expected a number") }
        return value
    }

    /// Where the next page is (RFC 8288).
    static func next(_ path: String, _ parameters: [(name: String, value: String)]) -> Field {
        let query = parameters.map { "\($0.name)=\(escaped($0.value))" }.joined(separator: "&")
        return ("Link", "<\(path)?\(query)>; rel=\"next\"")
    }

    /// With everything but unreserved characters as percent escapes (RFC 3986, section 2.3).
    static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Response {
    /// A refusal in the specification's form ("Error Codes").
    static func refusal(
        _ error: RegistryError, _ fields: [(name: String, value: String)] = []
    ) -> Response {
        let value: JSONValue = [
            "errors": [["code": .string(error.identifier), "message": .string(error.message)]]
        ]
        return Response(
            status: error.status,
            fields: [Exchange.version, ("Content-Type", "application/json")] + fields,
            body: ByteBuffer(bytes: value.bytes()))
    }
}
