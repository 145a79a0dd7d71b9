import Glibc

extension Cgroup {
    /// Kills everything in the group and below, again until nothing new turns up; a frozen group is thawed.
    package func killAll() throws(CgroupError) {
        let kill = CgroupDirectory(path: directory)
        if kill.has("cgroup.kill") { return try kill.write("cgroup.kill", "1") }
        for _ in 0..<100 {
            let found: [Int32]
            do throws(CgroupError) {
                found = try processes(recursive: true)
            } catch  where error.code == .notFound { return }
            if found.isEmpty { return }
            for process in found { Glibc.kill(process, SIGKILL) }
            if try isFrozen() { try setFrozen(false) }
            usleep(1000)
        }
    }

    /// Sends a signal to every process of the group and below.
    package func signalAll(_ signal: Int32) throws(CgroupError) {
        for process in try processes(recursive: true) { Glibc.kill(process, signal) }
    }
}
