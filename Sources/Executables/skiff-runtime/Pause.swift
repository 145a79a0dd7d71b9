import Cgroups
import OCIModel

/// `pause ID`: freezes every process of a container.
enum Pause {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        try freeze(words, context, true)
    }

    static func freeze(
        _ words: ArraySlice<String>, _ context: RuntimeContext, _ frozen: Bool
    ) throws(CommandError) -> Int32 {
        let id = try Options(words, flags: [], settings: []).identifier()
        let directory = try context.directory(id)
        let record = try ContainerRecord(readingFrom: directory, id: id)
        let status = try record.status(in: directory)
        guard frozen ? status == .running || status == .created : status == .paused else {
            throw CommandError(
                "cannot \(frozen ? "pause" : "resume") container \(id): it is \(status.rawValue)")
        }
        guard let group = try record.cgroupIfAny() else {
            throw CommandError("container \(id) has no control group of its own")
        }
        try cgroup { () throws(CgroupError) in try group.setFrozen(frozen) }
        return 0
    }
}

/// `resume ID`
enum Resume {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        try Pause.freeze(words, context, false)
    }
}
