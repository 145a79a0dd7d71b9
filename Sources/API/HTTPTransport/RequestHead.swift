/// The first line and the fields of a request (RFC 9112, sections 3 and 5).
package struct RequestHead: Sendable, Equatable {
    /// How long the body is.
    package enum BodyLength: Sendable, Equatable {
        case none
        case bytes(Int)
        case chunked
    }

    package var method: String
    /// As sent: path and query, still encoded.
    package var target: String
    /// 0 or 1: the minor version of HTTP/1.
    package var minorVersion: Int
    /// In the order of sending; names in lower case.
    package var fields: [(name: String, value: String)]
    package var bodyLength: BodyLength

    /// The value of the first field with this name, which is in lower case.
    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Whether one of the comma-separated values of a field is `token`, ignoring case.
    package func has(_ name: String, token: String) -> Bool {
        fields.contains { field in
            field.name == name
                && field.value.split(separator: ",").contains { $0.trimmingBlanks().lowercased() == token }
        }
    }

    package var keepsAlive: Bool {
        minorVersion == 0 ? has("connection", token: "keep-alive") : !has("connection", token: "close")
    }

    /// Whether the client asks to leave HTTP, as `docker attach` does (`Upgrade: tcp`).
    package var wantsUpgrade: Bool { has("connection", token: "upgrade") && self["upgrade"] != nil }

    package var expectsContinue: Bool { minorVersion > 0 && has("expect", token: "100-continue") }

    package static func == (a: RequestHead, b: RequestHead) -> Bool {
        a.method == b.method && a.target == b.target && a.minorVersion == b.minorVersion
            && a.bodyLength == b.bodyLength && a.fields.elementsEqual(b.fields, by: ==)
    }
}

extension StringProtocol {
    /// Without the spaces and tabs at both ends.
    package func trimmingBlanks() -> String {
        var text = String(self)[...]
        while let first = text.utf8.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
        while let last = text.utf8.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
        return String(text)
    }
}

/// Why bytes are no request, and the status to refuse them with.
package struct HTTPSyntaxError: Error, Equatable {
    package let status: Int
    package let reason: String

    package init(_ reason: String, status: Int = 400) {
        self.reason = reason
        self.status = status
    }
}
