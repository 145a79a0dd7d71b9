import DockerAPI
package import JSONCodec

/// One request to the engine, without the version prefix of its path.
package struct EngineRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    package var method: Method
    /// Begins with a slash; its segments are escaped already (see `escape`).
    package var path: String
    package var query: [(name: String, value: String)]
    package var headers: [(name: String, value: String)] = []
    package var body: JSONValue?
    /// Whether the path gets the prefix `/v1.NN`; `_ping` does without.
    package var isVersioned = true

    package init(
        _ method: Method, _ path: String, query: [(name: String, value: String)] = [], body: JSONValue? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
    }

    /// Escapes a name for use as one segment of a path, or as a value of a query (RFC 3986, unreserved characters
    /// stay; `keeping` adds to them).
    package static func escape(_ text: String, keeping extra: String = "") -> String {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: output.append(byte)
            default:
                if extra.utf8.contains(byte) {
                    output.append(byte)
                } else {
                    output.append(UInt8(ascii: "%"))
                    output.append(hexadecimal[Int(byte >> 4)])
                    output.append(hexadecimal[Int(byte & 15)])
                }
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static let hexadecimal = Array("0123456789ABCDEF".utf8)

    /// The request's head, the empty line included.
    func head(version: APIVersion, host: String, contentLength: Int?, upgrade: Bool) -> [UInt8] {
        var text = method.rawValue + " "
        if isVersioned { text += "/v\(version)" }
        text += path
        for (index, item) in query.enumerated() {
            text += index == 0 ? "?" : "&"
            text += Self.escape(item.name) + "=" + Self.escape(item.value)
        }
        text += " HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: skiff\r\n"
        for header in headers { text += "\(header.name): \(header.value)\r\n" }
        if upgrade { text += "Connection: Upgrade\r\nUpgrade: tcp\r\n" }
        if body != nil { text += "Content-Type: application/json\r\n" }
        if let contentLength {
            if contentLength > 0 || method != .get && method != .head {
                text += "Content-Length: \(contentLength)\r\n"
            }
        } else {
            text += "Transfer-Encoding: chunked\r\n"
        }
        return Array((text + "\r\n").utf8)
    }
}
