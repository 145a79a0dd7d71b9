import GoTemplate
import JSONCodec

/// How a list is printed: `table`, `table TEMPLATE`, `json` or `TEMPLATE`.
struct ListFormat {
    private let template: Template
    private let isTable: Bool

    /// - Parameters:
    ///   - format: what the user asked for; empty for the standard table
    ///   - table: the template of the standard table
    ///   - raw: the template of `raw`
    ///   - quiet: the template that shows identifiers only; nil where the user did not ask for that
    /// - Throws: `CommandError` in Docker's words
    init(_ format: String, table: String, raw: String? = nil, quiet: String? = nil) throws {
        var text = format.isEmpty ? "table" : format
        if let quiet {
            text = quiet
        } else if text == "json" {
            text = "{{json .}}"
        } else if text == "raw", let raw {
            text = raw
        } else if text == "table" {
            text = "table " + table
        }
        isTable = text.hasPrefix("table")
        if isTable { text.removeFirst("table".count) }
        text = Self.unescaped(text.trimmedSpaces)
        do throws(TemplateError) {
            template = try Template(parsing: text)
        } catch {
            throw CommandError(.invalidArgument, "failed to parse template: \(error.message)")
        }
    }

    /// `\t` and `\n` written as two characters stand for one.
    private static func unescaped(_ text: String) -> String {
        var output = ""
        var escaped = false
        for character in text {
            if escaped {
                escaped = false
                switch character {
                case "t": output += "\t"
                case "n": output += "\n"
                default: output += "\\\(character)"
                }
            } else if character == "\\" {
                escaped = true
            } else {
                output.append(character)
            }
        }
        return escaped ? output + "\\" : output
    }

    /// - Parameter headers: the title of each column by the name of its field
    func render(_ rows: [any TemplateRecord], headers: [String: String]) throws -> String {
        do throws(TemplateError) {
            var text = ""
            if isTable {
                let header = HeaderRecord(headers: headers)
                text += try template.with(functions: .dockerHeader).render(.record(header)) + "\n"
            }
            for row in rows { text += try template.render(.record(row)) + "\n" }
            return isTable ? TableWriter().align(text) : text
        } catch {
            throw CommandError(.invalidArgument, "failed to execute template: \(error.message)")
        }
    }
}

/// The row of titles: each field is its column's title.
private struct HeaderRecord: TemplateRecord {
    let headers: [String: String]

    var typeName: String { "formatter.SubHeaderContext" }

    func member(_ name: String, _ arguments: [TemplateValue]) throws(FunctionError) -> TemplateValue? {
        if name == "Label", let label = arguments.first?.text {
            let last = label.split(separator: ".", omittingEmptySubsequences: false).last ?? ""
            return .string(String(last.map { $0 == "-" || $0 == "_" ? " " : $0 }))
        }
        return headers[name].map(TemplateValue.string) ?? .missing
    }

    var json: JSONValue { .null }
}

/// A row made from an object of the API: fields by name, computed when a template asks for them.
struct ListRow: TemplateRecord {
    let typeName: String
    let labels: JSONObject
    /// Every field, in the order of the alphabet.
    let fields: [(name: String, value: JSONValue)]

    init(_ typeName: String, labels: JSONValue? = nil, _ fields: [(name: String, value: JSONValue)]) {
        self.typeName = typeName
        self.labels = labels?.objectValue ?? JSONObject()
        self.fields = fields.sorted { $0.name < $1.name }
    }

    func member(_ name: String, _ arguments: [TemplateValue]) throws(FunctionError) -> TemplateValue? {
        if name == "Label" {
            guard arguments.count == 1, let label = arguments[0].text else {
                throw FunctionError("wrong number of args for Label: want 1 got \(arguments.count)")
            }
            return .string(labels[label]?.stringValue ?? "")
        }
        guard let field = fields.first(where: { $0.name == name }) else { return nil }
        guard arguments.isEmpty else {
            throw FunctionError("wrong number of args for \(name): want 0 got \(arguments.count)")
        }
        return field.value.isNull ? .json(.null, .pointer(.any)) : TemplateValue(field.value)
    }

    var json: JSONValue {
        var object = JSONObject()
        for field in fields { object[field.name] = field.value }
        return .object(object)
    }

    /// Labels as `a=b,c=d` in the order of the alphabet.
    static func text(ofLabels labels: JSONValue?) -> String {
        (labels?.objectValue ?? JSONObject()).map { "\($0.0)=\($0.1.stringValue ?? "")" }.sorted()
            .joined(separator: ",")
    }
}

extension String {
    var trimmedSpaces: String {
        var text = self[...]
        while text.first == " " { text = text.dropFirst() }
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }

    /// At most `length` characters; the last of a longer text is an ellipsis.
    func ellipsis(_ length: Int) -> String {
        count <= length ? self : String(prefix(length - 1)) + "…"
    }

    /// The first twelve digits of an identifier, without its algorithm.
    var shortIdentifier: String {
        let digits = cut(":")?.after ?? self
        return String(digits.prefix(12))
    }
}

/// Filters of list commands as the API takes them: `{"status":{"running":true}}`.
enum FilterArgument {
    static let flag = Flag("filter", "f", .filter, "Show only what fits this condition")

    /// The query item; nil where there are no filters.
    static func query(_ texts: [String]) -> (name: String, value: String)? {
        if texts.isEmpty { return nil }
        var filters = JSONObject()
        for text in texts {
            guard let (name, value) = text.cut("=") else { continue }
            let key = name.trimmed.lowercased()
            var values = filters[key]?.objectValue ?? JSONObject()
            values[value.trimmed] = true
            filters[key] = .object(values)
        }
        return ("filters", JSONValue.object(filters).text())
    }
}
