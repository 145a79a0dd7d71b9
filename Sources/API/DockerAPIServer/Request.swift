import HTTPTransport
import DockerAPI
import Engine
import JSONCodec
import NIOCore

/// A request that has found its operation.
struct Request: Sendable {
    let operation: Operation
    let version: APIVersion
    /// Values of the path's parameters, in order.
    let parameters: [String]
    let query: Query
    let head: RequestHead
    let body: IncomingBody

    /// The first parameter of the path: a container, an image, a network.
    var reference: String { parameters.first ?? "" }

    /// The body as JSON.
    /// - Throws: `APIError`, `DecodingError`; both are the client's fault
    func json<T: Decodable>(_ type: T.Type = T.self) throws -> T {
        guard case .collected(let buffer) = body else {
            throw APIError.badRequest("invalid JSON: not expected here")
        }
        guard buffer.readableBytes > 0 else {
            throw APIError.badRequest("invalid JSON: got EOF while reading request body")
        }
        try requireJSONType()
        do {
            let value = try buffer.withUnsafeReadableBytes { raw in
                try JSONValue(parsing: raw.bindMemory(to: UInt8.self))
            }
            // The kernel's texts end there: a path or a variable would be another than the one that was checked.
            guard !value.holdsNUL else { throw APIError.badRequest("invalid JSON: a text holds a NUL byte") }
            return try value.decode(T.self)
        } catch let error as DecodingError {
            throw APIError.badRequest("invalid JSON: \(error.summary)")
        } catch let error as JSONSyntaxError {
            throw APIError.badRequest(error.description)
        }
    }

    /// The body as JSON, or nil where there is none.
    func jsonIfPresent<T: Decodable>(_ type: T.Type = T.self) throws -> T? {
        guard case .collected(let buffer) = body, buffer.readableBytes > 0 else { return nil }
        return try json(type)
    }

    private func requireJSONType() throws {
        let type = head["content-type"] ?? ""
        let media = type.prefix { $0 != ";" }.trimmingBlanks().lowercased()
        guard media == "application/json" else {
            throw APIError.badRequest("unsupported Content-Type header (\(type)): must be 'application/json'")
        }
    }

    /// The `filters` parameter.
    func filters() throws -> Filters {
        do {
            return Filters(try FilterText.parse(query["filters"] ?? ""))
        } catch let error as DecodingError {
            throw APIError.badRequest(error.summary)
        } catch {
            throw APIError.badRequest("invalid filter: \(error)")
        }
    }

    /// A whole number among the parameters; nil where it is absent or empty.
    func integer(_ name: String) throws -> Int? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let value = Int(text) else {
            throw APIError.badRequest("invalid value for '\(name)': \"\(text)\" is not a whole number")
        }
        return value
    }
}

extension JSONValue {
    /// Whether any text in it, keys included, has a byte of zero.
    fileprivate var holdsNUL: Bool {
        switch self {
        case .string(let text): text.utf8.contains(0)
        case .array(let values): values.contains(where: \.holdsNUL)
        case .object(let object): object.contains { $0.0.utf8.contains(0) || $0.1.holdsNUL }
        default: false
        }
    }
}

extension Response {
    /// A failure in Docker's form.
    static func error(status: Int, message: String) -> Response {
        json(["message": .string(message)], status: status)
    }
}

/// The way to answer one request, with the fields that every answer of this API carries.
struct Reply: Sendable {
    let writer: ResponseWriter
    let fields: [(name: String, value: String)]

    private func response(_ response: Response) -> Response {
        var response = response
        response.fields = fields + response.fields
        return response
    }

    func json<T: Encodable>(_ value: T, status: Int = 200) async throws {
        try await writer.send(response(.json(try JSONValue(encoding: value), status: status)))
    }

    func json(_ value: JSONValue, status: Int = 200) async throws {
        try await writer.send(response(.json(value, status: status)))
    }

    /// An answer without body: 204, 304, 201, …
    func empty(_ status: Int = 204) async throws { try await writer.send(response(Response(status: status))) }

    func send(_ other: Response) async throws { try await writer.send(response(other)) }

    func error(status: Int, message: String) async throws {
        try await writer.send(response(.error(status: status, message: message)))
    }

    /// Begins a stream; its fields go out at once.
    func stream(_ contentType: String, status: Int = 200) async throws -> StreamReply {
        try await writer.start(status: status, fields: fields + [("Content-Type", contentType)])
        return StreamReply(writer: writer)
    }

    /// Begins a stream on a thread that may block.
    func streamBlocking(
        _ contentType: String, _ more: [(name: String, value: String)] = []
    ) throws -> StreamReply {
        try writer.startBlocking(status: 200, fields: fields + [("Content-Type", contentType)] + more)
        return StreamReply(writer: writer)
    }

    func hijack(contentType: String) async throws -> ClientStream {
        try await writer.hijack(fields + [("Content-Type", contentType)])
    }

    /// Gives the connection to whoever writes the answer, too: `answer` or `refusal`.
    func release(contentType: String, _ extra: [(name: String, value: String)]) async throws -> ReleasedStream
    {
        let answer = writer.upgradeAnswer(fields + [("Content-Type", contentType)] + extra)
        return ReleasedStream(stream: try await writer.release(), answer: answer)
    }

    /// The bytes of a failure's answer on a connection that was given away.
    func refusal(_ error: any Error) -> [UInt8] {
        let failure = Failure(error)
        return writer.bytes(of: response(.error(status: failure.status, message: failure.message)))
    }
}

/// A client's connection outside of HTTP, with the answer that it is to get first.
struct ReleasedStream: Sendable {
    let stream: ClientStream
    let answer: [UInt8]
}

/// The body of an answer that comes in pieces.
struct StreamReply: Sendable {
    let writer: ResponseWriter

    func write(_ bytes: [UInt8]) async throws { try await writer.write(bytes) }

    /// One message as JSON, followed by a line end.
    func line<T: Encodable>(_ value: T, end: String = "\n") async throws {
        var bytes = try JSONValue(encoding: value).bytes(JSONValue.Style(escapesHTML: true))
        bytes.append(contentsOf: end.utf8)
        try await writer.write(bytes)
    }

    func finish() async throws { try await writer.finish() }
}
