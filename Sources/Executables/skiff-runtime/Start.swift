import Glibc
import OCIModel
import OCIRuntime

/// `start ID`: runs the program of a created container.
enum Start {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let id = try Options(words, flags: [], settings: []).identifier()
        let directory = try context.directory(id)
        let record = try ContainerRecord(readingFrom: directory, id: id)
        let status = try record.status(in: directory)
        guard status == .created else {
            throw CommandError(
                "cannot start a container that is \(status.rawValue): only a created one can be")
        }
        try runtime { () throws(RuntimeError) in try ContainerProcess.start(in: directory) }
        unlink("\(directory)/\(ContainerProcess.startSocketName)")
        try poststart(record, try record.specification(), context)
        return 0
    }

    static func poststart(
        _ record: ContainerRecord, _ spec: RuntimeSpec, _ context: RuntimeContext
    ) throws(CommandError) {
        if spec.hooks.poststart.isEmpty { return }
        let state = RuntimeState(
            id: record.id, status: .running, pid: record.pid, bundle: record.bundle,
            annotations: spec.annotations)
        try runtime { () throws(RuntimeError) in try HookRunner.run(spec.hooks.poststart, "poststart", state)
        }
    }
}
