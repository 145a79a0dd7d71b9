import Glibc
import LinuxKernel

/// The names in a folder, without `.` and `..`; empty where it cannot be read. For folders whose names the engine or the
/// kernel has chosen.
func directoryNames(in path: String) -> [String] {
    guard let folder = try? openFile(path, O_RDONLY | O_DIRECTORY),
        let names = try? directoryNames(of: folder.rawValue)
    else { return [] }
    return names.map(displayName)
}
