import OCIModel
import OCIRuntime

/// `create [-b BUNDLE] [--console-socket S] [--pid-file F] ID`: everything but the program's start.
enum Create {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let creation = try Creation(words, context)
        if creation.spec.process?.terminal == true, creation.options["console-socket"] == nil {
            throw CommandError(
                "process.terminal is set: create needs --console-socket, to which the terminal goes")
        }
        _ = try creation.create(waitsForStarter: true)
        return 0
    }
}
