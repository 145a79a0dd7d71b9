import Cgroups
import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime

/// `run [--detach] [-b BUNDLE] ID`: create, start, wait, delete.
enum Run {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let creation = try Creation(words, context)
        let options = creation.options
        let terminal = creation.spec.process?.terminal == true
        if terminal, options.has("detach"), options["console-socket"] == nil {
            throw CommandError("process.terminal is set: run --detach needs --console-socket")
        }
        let signals = try Foreground.collectSignals()
        let container = try creation.create(waitsForStarter: false)
        do throws(RuntimeError) {
            try container.process.start()
        } catch {
            creation.remove(container.group)
            try StateDirectory.remove(creation.directory)
            throw CommandError(error)
        }
        try Start.poststart(container.record, creation.spec, context)
        if options.has("detach") { return 0 }
        let foreground = try Foreground(container.console, pidfd: container.process.pidfd, signals: signals)
        let exit = try foreground.wait()
        if !options.has("keep") {
            try Deletion(context, container.record, creation.directory, creation.spec).remove()
        }
        return exit.code
    }
}
