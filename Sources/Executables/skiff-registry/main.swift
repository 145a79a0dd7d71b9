import CLinux
import Glibc
import LinuxKernel
import RegistryServer

// Arenas of glibc's allocator, one per thread by default, never give memory back: two are enough.
skiff_limit_malloc(2, 256 << 10)

do {
    let command = try Command(Array(CommandLine.arguments.dropFirst()))
    switch command {
    case .help: print(Usage.text)
    case .check: print("configuration OK")
    case .serve(let settings): try await Service(settings).run()
    case .collect(let settings): try await Service.collect(settings)
    }
} catch {
    let line = Array("skiff-registry: \(error)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(1)
}
