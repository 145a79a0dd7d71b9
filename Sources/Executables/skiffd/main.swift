import CLinux
import Engine
import Glibc

// Arenas of glibc's allocator, one per thread by default, never give memory back: two are enough.
skiff_limit_malloc(2, 256 << 10)

do {
    let flags = try Flags(Array(CommandLine.arguments.dropFirst()))
    if flags.wantsHelp {
        print(Usage.text)
    } else if flags.wantsVersion {
        let versions = EngineVersions()
        print(
            "Skiff version \(versions.engine), build \(versions.gitCommit.isEmpty ? "unknown" : versions.gitCommit)"
        )
    } else {
        var daemon = try Daemon(flags)
        if flags.validates {
            print("configuration OK")
        } else {
            try await daemon.run()
        }
    }
} catch {
    let line = Array("skiffd: \(error)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(1)
}
