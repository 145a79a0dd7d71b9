import JSONCodec
import OCIModel

/// `state ID`: the specification's state, with what runc and crun add.
enum State {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let id = try Options(words, flags: [], settings: []).identifier()
        let directory = try context.directory(id)
        let record = try ContainerRecord(readingFrom: directory, id: id)
        let status = try record.status(in: directory)
        let annotations = (try? record.specification())?.annotations ?? [:]
        let state = RuntimeState(
            id: id, status: status, pid: status == .stopped ? 0 : record.pid, bundle: record.bundle,
            annotations: annotations)
        guard case .object(var object) = state.json else { throw CommandError("container \(id): no state") }
        object["rootfs"] = .string(record.rootFilesystem)
        object["created"] = .string(record.created.description)
        object["owner"] = .string(record.owner == 0 ? "root" : String(record.owner))
        try standardOutput(JSONValue.object(object).text(JSONValue.Style(indent: 2)))
        return 0
    }
}
