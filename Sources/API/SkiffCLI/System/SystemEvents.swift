import EngineClient
import GoTemplate
import JSONCodec
import OCIModel

/// `events`
enum SystemEvents {
    private static let format = Flag("format", .string, FormatHelp.object)
    private static let since = Flag("since", .string, "Events since this time too")
    private static let until = Flag("until", .string, "Events until this time")

    static func command() -> Command {
        Command(
            paths: ["system events", "events"], usage: "[OPTIONS]",
            summary: "Print what happens in the engine",
            flags: [FilterArgument.flag, format, since, until], arguments: .none, run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var text = invocation.string(format)
        if text == "json" { text = "{{json .}}" }
        let template: Template?
        do throws(TemplateError) {
            template = text.isEmpty ? nil : try Template(parsing: text)
        } catch {
            throw CommandError(
                .invalidArgument, "Error parsing format: \(error.message)", exitCode: 64)
        }
        var query: [(name: String, value: String)] = []
        if let filters = FilterArgument.query(invocation.list(FilterArgument.flag)) { query.append(filters) }
        for flag in [since, until] where !invocation.string(flag).isEmpty {
            query.append((flag.name, try TimeArgument.seconds(invocation.string(flag))))
        }
        let response = try invocation.client.send(EngineRequest(.get, "/events", query: query))
        let output = invocation.session.output
        return try Output.whileRead(response) {
            while let event = try response.nextJSONLine() {
                output.line(try line(event, template))
                output.flush()
            }
            return 0
        }
    }

    private static let message = GoStructure(
        "events.Message",
        InspectTypes.fields("Status=status:s ID=id:s From=from:s Type:s Action:s")
            + [.init("Actor", InspectTypes.structure("events.Actor", "ID:s Attributes:m"))]
            + InspectTypes.fields("Scope=scope:s Time=time:i TimeNano=timeNano:i"))

    private static func line(_ event: JSONValue, _ template: Template?) throws -> String {
        guard let template else { return plain(event) }
        do throws(TemplateError) {
            return try template.render(.json(event, .structure(message)))
        } catch {
            throw CommandError(.invalidArgument, error.message)
        }
    }

    /// `2026-11-21T05:13:49.655135785Z container create 1f65… (image=busybox, name=x)`
    private static func plain(_ event: JSONValue) -> String {
        let nanoseconds = event["timeNano"]?.integerValue ?? 0
        let moment =
            nanoseconds != 0
            ? Timestamp(totalNanoseconds: nanoseconds) : Timestamp(seconds: event["time"]?.integerValue ?? 0)
        let actor = event["Actor"] ?? .null
        var text = LocalTime.rfc3339Nano(moment)
        text += " \(event["Type"]?.stringValue ?? "") \(event["Action"]?.stringValue ?? "")"
        text += " \(actor["ID"]?.stringValue ?? "")"
        let attributes = (actor["Attributes"]?.objectValue ?? JSONObject())
            .map { "\($0.0)=\($0.1.stringValue ?? "")" }.sorted()
        return attributes.isEmpty ? text : text + " (" + attributes.joined(separator: ", ") + ")"
    }
}
