import Glibc
import JSONCodec
import LinuxKernel
package import OCIModel

/// Compiled system call filters, kept on disk. libseccomp takes two milliseconds for a profile and is no part of the
/// static executables: on a miss a helper program, `skiff-seccomp`, compiles and stores; see docs/decisions.
///
/// A file is found by a fast hash of what it was compiled from, and holds that text as a whole: only an equal one is a
/// hit. Everything blocks and may be called from any thread.
package struct SeccompCache: Sendable {
    /// Only its owner may write to it: its content becomes the containers' filter.
    package let directory: String
    /// Path of the compiler; nil looks beside the running program, then in the usual places.
    package let compiler: String?

    package static let defaultDirectory = "/var/cache/skiff/seccomp"

    package init(directory: String = SeccompCache.defaultDirectory, compiler: String? = nil) {
        self.directory = directory
        self.compiler = compiler
    }

    /// The filter of an OCI specification.
    package func program(for filter: RuntimeSeccomp) throws(RuntimeError) -> SeccompProgram {
        if filter.listenerPath != nil {
            throw RuntimeError(.unsupported, "linux.seccomp.listenerPath: notifications are not built yet")
        }
        return try program(profile: filter.json.text())
    }

    /// The filter of a profile's JSON text, in the specification's or in Docker's form.
    /// - Parameter capabilities: what the container will have; Docker's form has rules that depend on it
    package func program(
        profile: String, capabilities: [String] = []
    ) throws(RuntimeError) -> SeccompProgram {
        try find(SeccompCacheKey(profile: profile, capabilities: capabilities)).entry.program
    }

    /// The file that holds such a filter (`SeccompCacheEntry`), compiled now where it is new.
    package func file(profile: String, capabilities: [String]) throws(RuntimeError) -> String {
        try find(SeccompCacheKey(profile: profile, capabilities: capabilities)).path
    }

    private func find(_ request: SeccompCacheKey) throws(RuntimeError) -> (
        path: String, entry: SeccompCacheEntry
    ) {
        let path = "\(directory)/\(request.fileName)"
        if let entry = SeccompCacheEntry(file: path), entry.key == request.key { return (path, entry) }
        try compile(request, to: path)
        guard let entry = SeccompCacheEntry(file: path), entry.key == request.key else {
            throw RuntimeError(.setupFailed, "seccomp profile: \(path) was not written as it should be")
        }
        return (path, entry)
    }

    private func compile(_ request: SeccompCacheKey, to path: String) throws(RuntimeError) {
        try step("seccomp cache") { () throws(SystemCallError) in try makeDirectories(directory, mode: 0o700)
        }
        let program = try findCompiler()
        let result = try ProgramRun.run(program, [program, path], input: Array(request.key.utf8))
        guard result.exit.status == 0 else {
            let said = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").joined(
                separator: "; ")
            throw RuntimeError(.invalidSpecification, "seccomp profile cannot be compiled: \(said)")
        }
    }

    private func findCompiler() throws(RuntimeError) -> String {
        var places = ["/usr/libexec/skiff/skiff-seccomp", "/usr/local/libexec/skiff/skiff-seccomp"]
        places += ["/usr/local/bin/skiff-seccomp", "/usr/bin/skiff-seccomp"]
        if let compiler {
            places = [compiler]
        } else {
            // The program's name as it was called: /proc/self/exe has no path for a protected executable.
            let name = CommandLine.arguments.first ?? ""
            let own = name.contains("/") ? name : Self.link("/proc/self/exe")
            if let slash = own.lastIndex(of: "/") { places.insert("\(own[...slash])skiff-seccomp", at: 0) }
        }
        for place in places where access(place, X_OK) == 0 { return place }
        throw RuntimeError(
            .notFound,
            "a seccomp profile has to be compiled, and skiff-seccomp is not installed (looked for "
                + "\(places.joined(separator: ", "))); install it, or run with seccomp=unconfined")
    }
}

extension SeccompCache {
    private static func link(_ path: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = buffer.withUnsafeMutableBytes {
            readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
    }
}

/// What a filter is compiled from.
package struct SeccompCacheKey: Sendable, Equatable {
    /// Everything that the result depends on, as one text: a line of JSON, then the profile.
    package let key: String

    package init(profile: String, capabilities: [String]) {
        var name = utsname()
        let release =
            uname(&name) == 0
            ? withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            : ""
        let head: JSONValue = [
            "kernel": .string(release),
            "capabilities": .array(Set(capabilities).sorted().map(JSONValue.string)),
        ]
        // The profile as it is, not parsed: this is on every container's start path.
        key = "\(head.text())\n\(profile)"
    }

    /// FNV-1a of the key. Two keys of one hash only take each other's place.
    package var fileName: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// One file of the cache: a header line, the key, the instructions.
package struct SeccompCacheEntry: Sendable, Equatable {
    package let key: String
    package let program: SeccompProgram

    private static let magic = "skiff-seccomp 1"

    package init(key: String, program: SeccompProgram) {
        self.key = key
        self.program = program
    }

    package var bytes: [UInt8] {
        let header = "\(Self.magic) \(key.utf8.count) \(program.flags)\n"
        return Array(header.utf8) + Array(key.utf8) + program.instructions
    }

    /// Nil where there is no such file or it is none of this format.
    package init?(file: String) {
        guard let bytes = try? readFile(file, limit: 4 << 20) else { return nil }
        self.init(bytes: bytes)
    }

    package init?(bytes: [UInt8]) {
        guard let end = bytes.firstIndex(of: 10) else { return nil }
        let header = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
        guard header.count == 4, header[0] + " " + header[1] == Self.magic, let length = Int(header[2]),
            let flags = UInt32(header[3]), length >= 0, end + 1 + length <= bytes.count
        else { return nil }
        let instructions = Array(bytes[(end + 1 + length)...])
        guard !instructions.isEmpty, instructions.count % 8 == 0, instructions.count / 8 <= 4096 else {
            return nil
        }
        key = String(decoding: bytes[(end + 1)..<(end + 1 + length)], as: UTF8.self)
        program = SeccompProgram(instructions: instructions, flags: flags)
    }
}
