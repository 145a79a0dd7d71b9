import CLinux
import Glibc
import LinuxKernel
import OCIModel

/// The table of `top`: what the host's `ps` says about a container's processes.
enum ProcessListing {
    /// Blocks until `ps` has ended.
    /// - Parameters:
    ///   - processes: ids in the host's namespace, as the container's control group lists them
    ///   - arguments: those of `ps`, separated by spaces; empty for `-ef`
    /// - Throws: `EngineError` where `ps` fails, or prints no column of process ids
    static func table(of processes: [Int32], arguments: String) throws(EngineError) -> ProcessTable {
        let given = arguments.split(separator: " ").map(String.init)
        let arguments = given.isEmpty ? ["-ef"] : given
        try refuseUnsafe(arguments)
        let output = try run(["ps"] + arguments)
        return try select(output, Set(processes))
    }

    /// Docker's rule: an argument may ask for columns of its own, but not drop or rename the one with the ids.
    private static func refuseUnsafe(_ arguments: [String]) throws(EngineError) {
        for argument in arguments where argument.contains("=") {
            let name = argument.drop { $0 == "-" || $0 == "o" }.prefix { $0 != "=" }
            if name.split(separator: ",").contains("pid") {
                throw .invalid("specifying \"\(argument)\" is not allowed")
            }
        }
    }

    static func select(_ output: String, _ processes: Set<Int32>) throws(EngineError) -> ProcessTable {
        let lines = output.split(separator: "\n")
        let titles = (lines.first ?? "").split(separator: " ").map(String.init)
        guard let column = titles.firstIndex(of: "PID") else {
            throw .invalid("Couldn't find PID field in ps output")
        }
        var table = ProcessTable(titles: titles, processes: [])
        for line in lines.dropFirst() {
            // The last column, the command, keeps its spaces.
            let fields = line.split(separator: " ", maxSplits: titles.count - 1).map(String.init)
            guard fields.count > column, let pid = Int32(fields[column]) else { continue }
            if processes.contains(pid) { table.processes.append(fields) }
        }
        return table
    }

    private static func run(_ command: [String]) throws(EngineError) -> String {
        do {
            let child = try ChildOutput.run(command)
            guard child.status == 0 else {
                // Its first line says why; the rest is how ps is used.
                let reason = child.text.split(separator: "\n").first.map(String.init) ?? "failed"
                throw EngineError.invalid("ps: \(reason)")
            }
            return child.text
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.systemCallFailed, "cannot run ps: \(error)", cause: error)
        }
    }
}
