/// The number of tasks; the same files in both versions.
enum PidsController {
    static func apply(_ limit: Int64, _ directory: CgroupDirectory) throws(CgroupError) {
        try directory.write("pids.max", limit > 0 ? String(limit) : "max")
    }

    static func read(_ directory: CgroupDirectory, into pids: inout CgroupStatistics.Pids) {
        pids.current = directory.number("pids.current") ?? 0
        pids.limit = directory.number("pids.max")
    }
}
