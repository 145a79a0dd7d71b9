import Glibc
import JSONCodec
import LinuxKernel
import OCIRuntime

/// Why a profile cannot be compiled.
struct ProfileError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// Reads a request from standard input, compiles it, writes the cache's file.
enum Compilation {
    static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count == 2 else {
            report("usage: skiff-seccomp OUTPUT < REQUEST")
            return 1
        }
        do {
            let key = String(decoding: try readAll(0), as: UTF8.self)
            let program = try compile(key)
            try replaceFile(arguments[1], SeccompCacheEntry(key: key, program: program).bytes, mode: 0o600)
            return 0
        } catch let error as ProfileError {
            report(error.message)
        } catch {
            report("\(error)")
        }
        return 1
    }

    private static func report(_ text: String) {
        // Nobody is left to tell where even this fails; the exit status says it.
        try? writeAll(2, Array("\(text)\n".utf8))
    }

    static func compile(_ key: String) throws -> SeccompProgram {
        guard let end = key.firstIndex(of: "\n") else { throw ProfileError("the request has no profile") }
        let head = try JSONValue(parsing: String(key[..<end]))
        let profile = try JSONValue(parsing: String(key[key.index(after: end)...]))
        let environment = ProfileEnvironment(
            capabilities: Set((head["capabilities"]?.arrayValue ?? []).compactMap(\.stringValue)),
            kernel: ProfileEnvironment.version(head["kernel"]?.stringValue ?? ""))
        return try FilterBuilder(SeccompProfile(profile, environment)).build()
    }
}
