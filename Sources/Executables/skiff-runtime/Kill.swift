import Cgroups
import Glibc
import LinuxKernel
import OCIModel

/// `kill [--all] ID [SIGNAL]`: SIGTERM where none is named.
enum Kill {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let options = try Options(words, flags: ["all"], settings: ["regex"], short: ["a": "all"])
        guard options["regex"] == nil else { throw CommandError("kill --regex is not built yet") }
        guard (1...2).contains(options.positional.count) else {
            throw CommandError("kill needs a container id and, if you like, a signal")
        }
        let id = options.positional[0]
        let name = options.positional.count > 1 ? options.positional[1] : "TERM"
        guard let signal = SignalNames.number(name) else { throw CommandError("unknown signal \"\(name)\"") }
        let directory = try context.directory(id)
        let record = try ContainerRecord(readingFrom: directory, id: id)
        if options.has("all") {
            guard let group = try record.cgroupIfAny() else {
                throw CommandError("kill --all: container \(id) has no control group of its own")
            }
            do throws(CgroupError) {
                try group.signalAll(signal)
            } catch  where error.code == .notFound {} catch {
                throw CommandError(error.message)
            }
            return 0
        }
        guard try record.status(in: directory) != .stopped else {
            throw CommandError("container not running")
        }
        do throws(SystemCallError) {
            let pidfd = try openPidfd(record.pid)
            try sendSignal(signal, toPidfd: pidfd.rawValue)
        } catch  where error.errno == ESRCH {
            throw CommandError("container not running")
        } catch {
            throw CommandError("cannot signal container \(id): \(error)")
        }
        return 0
    }
}
