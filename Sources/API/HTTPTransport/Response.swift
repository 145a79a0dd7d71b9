package import JSONCodec
package import NIOCore
package import OCIModel

/// A whole answer: status, fields and body.
package struct Response: Sendable {
    package var status: Int
    package var fields: [(name: String, value: String)]
    package var body: ByteBuffer

    package init(status: Int, fields: [(name: String, value: String)] = [], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// JSON with a newline behind it, as Go's encoder writes it.
    package static func json(_ value: JSONValue, status: Int = 200) -> Response {
        var bytes = value.bytes(JSONValue.Style(escapesHTML: true))
        bytes.append(0x0A)
        return Response(
            status: status, fields: [("Content-Type", "application/json")], body: ByteBuffer(bytes: bytes))
    }

    /// The answer as it goes over the wire.
    /// - Parameter withoutBody: for the answer of a HEAD request, which tells the length only
    func bytes(minorVersion: Int, keepAlive: Bool, withoutBody: Bool) -> ByteBuffer {
        var fields = fields
        if status != 204, status != 304, status >= 200 {
            fields.append(("Content-Length", "\(body.readableBytes)"))
        }
        var buffer = Self.head(
            status: status, fields: fields, minorVersion: minorVersion, keepAlive: keepAlive)
        if !withoutBody, status != 204, status != 304 { buffer.writeImmutableBuffer(body) }
        return buffer
    }

    static func head(
        status: Int, fields: [(name: String, value: String)], minorVersion: Int, keepAlive: Bool
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(512)
        buffer.writeString("HTTP/1.1 \(status) \(reason(status))\r\n")
        for (name, value) in fields { buffer.writeString("\(name): \(value)\r\n") }
        buffer.writeString("Date: \(HTTPDate.text(.now))\r\n")
        if !keepAlive {
            buffer.writeString("Connection: close\r\n")
        } else if minorVersion == 0 {
            buffer.writeString("Connection: keep-alive\r\n")
        }
        buffer.writeString("\r\n")
        return buffer
    }

    static func reason(_ status: Int) -> String {
        switch status {
        case 101: "UPGRADED"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Request Entity Too Large"
        case 416: "Requested Range Not Satisfiable"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 507: "Insufficient Storage"
        case 505: "HTTP Version Not Supported"
        default: "Status \(status)"
        }
    }
}

/// The form of dates in header fields (RFC 9110, section 5.6.7).
package enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    package static func text(_ time: Timestamp) -> String {
        let civil = time.civil
        let day = Int(((time.seconds / 86400) % 7 + 7) % 7)
        return "\(days[day]), \(two(civil.day)) \(months[civil.month - 1]) \(civil.year) "
            + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) GMT"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
