import EngineClient
import GoTemplate
import JSONCodec
import OCIModel

/// A kind of object that can be inspected.
enum InspectedKind {
    case container, image, network, volume

    /// In the order in which a bare name is looked for.
    static let searched: [InspectedKind] = [.container, .image, .network, .volume]

    var name: String {
        switch self {
        case .container: "container"
        case .image: "image"
        case .network: "network"
        case .volume: "volume"
        }
    }

    func request(_ object: String, size: Bool, query: [(name: String, value: String)]) -> EngineRequest {
        switch self {
        case .container:
            EngineRequest(
                .get, "/containers/\(EngineRequest.escape(object))/json",
                query: query + (size ? [(name: "size", value: "1")] : []))
        case .image: EngineRequest(.get, "/images/\(ImagePath.escape(object))/json", query: query)
        case .network: EngineRequest(.get, "/networks/\(EngineRequest.escape(object))", query: query)
        case .volume: EngineRequest(.get, "/volumes/\(EngineRequest.escape(object))", query: query)
        }
    }

    /// The Go type whose fields templates know.
    var goType: GoType {
        switch self {
        case .container: .structure(InspectTypes.container)
        case .image: .structure(InspectTypes.image)
        case .network: .structure(InspectTypes.network)
        case .volume: .structure(InspectTypes.volume)
        }
    }
}

/// Looks objects up and prints them, as a JSON list or by a template.
struct ObjectInspection {
    private let invocation: Invocation
    private let kinds: [InspectedKind]
    private let size: Bool
    private let query: [(name: String, value: String)]

    init(
        _ invocation: Invocation, kinds: [InspectedKind], size: Bool = false,
        query: [(name: String, value: String)] = []
    ) {
        self.invocation = invocation
        self.kinds = kinds
        self.size = size
        self.query = query
    }

    /// - Parameter named: whether the kind was given; a missing object is then the daemon's own error
    func run(named: Bool) throws -> Int32 {
        if size, named, kinds != [.container] { Output.error("WARNING: --size ignored for \(kinds[0].name)") }
        let format = invocation.string(ObjectInspect.format)
        let template = try Self.template(format)
        var failures = FailureList()
        var found: [JSONValue] = []
        var rendered = ""
        for name in invocation.arguments {
            failures.attempt {
                let (kind, value) = try look(name, named: named)
                if let template {
                    rendered += try render(value, kind, template) + "\n"
                } else {
                    found.append(value)
                }
            }
        }
        let output = invocation.session.output
        if format.isEmpty {
            output.line(found.isEmpty ? "[]" : Self.pretty(.array(found)))
        } else if template != nil {
            output.write(rendered.isEmpty ? "\n" : rendered)
        } else {
            output.line(JSONValue.array(found).text(JSONValue.Style(escapesHTML: true)))
        }
        output.flush()
        try failures.raise()
        return 0
    }

    private static func pretty(_ value: JSONValue) -> String {
        value.text(JSONValue.Style(indent: 4, escapesHTML: true))
    }

    static func template(_ format: String) throws -> Template? {
        if format.isEmpty || format == "json" { return nil }
        do throws(TemplateError) {
            return try Template(parsing: format)
        } catch {
            throw CommandError(.invalidArgument, "template parsing error: \(error.message)", exitCode: 64)
        }
    }

    private func look(_ name: String, named: Bool) throws -> (InspectedKind, JSONValue) {
        let client = try invocation.client
        for kind in kinds {
            do throws(EngineError) {
                return (kind, try client.json(kind.request(name, size: size, query: query)))
            } catch {
                guard error.category == .notFound, !named else { throw error }
            }
        }
        throw CommandError(.daemon, "Error: No such object: \(name)")
    }

    /// By the fields of Docker's type first, then by the members of the JSON, which may have other names.
    private func render(
        _ value: JSONValue, _ kind: InspectedKind, _ template: Template
    ) throws -> String {
        do throws(TemplateError) {
            do throws(TemplateError) {
                return try template.render(.json(value, kind.goType))
            } catch {
                return try template.render(TemplateValue(value), missingKey: .error)
            }
        } catch {
            throw CommandError(.invalidArgument, "template parsing error: \(error.message)")
        }
    }
}
