import Cgroups
import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime

/// Takes away what a container leaves: processes, control group, state. Goes on after a failure and reports every one.
struct Deletion {
    let context: RuntimeContext
    let record: ContainerRecord
    let directory: String
    /// Nil to read it from the bundle.
    let specification: RuntimeSpec?

    init(
        _ context: RuntimeContext, _ record: ContainerRecord, _ directory: String,
        _ specification: RuntimeSpec? = nil
    ) {
        self.context = context
        self.record = record
        self.directory = directory
        self.specification = specification
    }

    func remove() throws(CommandError) {
        var failures: [String] = []
        func attempt(_ body: () throws(CommandError) -> Void) {
            do throws(CommandError) { try body() } catch { failures.append(error.message) }
        }
        attempt { () throws(CommandError) in try removeGroup() }
        attempt { () throws(CommandError) in try poststop() }
        attempt { () throws(CommandError) in try StateDirectory.remove(directory) }
        if !failures.isEmpty { throw CommandError(failures.joined(separator: "; ")) }
    }

    private func removeGroup() throws(CommandError) {
        guard let group = try record.cgroupIfAny() else { return }
        try cgroup { () throws(CgroupError) in
            do throws(CgroupError) {
                try group.killAll()
            } catch  where error.code == .notFound {}
            try group.remove()
        }
    }

    private func poststop() throws(CommandError) {
        // A bundle that is gone has no hooks to run any more.
        guard specification != nil || fileExists("\(record.bundle)/config.json") else { return }
        let spec = if let specification { specification } else { try record.specification() }
        if spec.hooks.poststop.isEmpty { return }
        let state = RuntimeState(
            id: record.id, status: .stopped, bundle: record.bundle, annotations: spec.annotations)
        try runtime { () throws(RuntimeError) in try HookRunner.run(spec.hooks.poststop, "poststop", state) }
    }

    /// A security module may forbid the signal, but not the control group's own way (version 2).
    private func kill(_ pidfd: SharedDescriptor) throws(CommandError) {
        do throws(SystemCallError) {
            try sendSignal(SIGKILL, toPidfd: pidfd.rawValue)
        } catch  where error.errno == ESRCH {
            return
        } catch {
            guard let group = try record.cgroupIfAny() else {
                throw CommandError("cannot kill container \(record.id): \(error)")
            }
            try cgroup { () throws(CgroupError) in try group.killAll() }
        }
    }

    /// Kills the first process and waits until it is gone.
    func killAndWait() throws(CommandError) {
        guard record.isAlive else { return }
        if let group = try record.cgroupIfAny(), (try? group.isFrozen()) == true {
            try cgroup { () throws(CgroupError) in try group.setFrozen(false) }
        }
        let pidfd: SharedDescriptor
        do throws(SystemCallError) {
            pidfd = SharedDescriptor(try openPidfd(record.pid))
        } catch  where error.errno == ESRCH {
            return
        } catch {
            throw CommandError("cannot kill container \(record.id): \(error)")
        }
        try kill(pidfd)
        var ready = pollfd(fd: pidfd.rawValue, events: Int16(POLLIN), revents: 0)
        let count = try system("container \(record.id)") { () throws(SystemCallError) in
            try systemCall("poll") { poll(&ready, 1, 10_000) }
        }
        guard count == 1 else {
            throw CommandError(
                "container \(record.id): process \(record.pid) did not end within 10 seconds of SIGKILL")
        }
    }
}

/// `delete [--force] ID`
enum Delete {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let options = try Options(words, flags: ["force"], settings: [], short: ["f": "force"])
        let id = try options.identifier()
        let directory = try context.directory(id)
        let force = options.has("force")
        let record: ContainerRecord
        do throws(CommandError) {
            record = try ContainerRecord(readingFrom: directory, id: id)
        } catch {
            guard force else { throw error }
            // Half made, or damaged: what is there goes.
            try StateDirectory.remove(directory)
            return 0
        }
        let status = try record.status(in: directory)
        guard force || status == .stopped || status == .created else {
            throw CommandError("cannot delete container \(id) that is not stopped: \(status.rawValue)")
        }
        let deletion = Deletion(context, record, directory)
        try deletion.killAndWait()
        try deletion.remove()
        return 0
    }
}
