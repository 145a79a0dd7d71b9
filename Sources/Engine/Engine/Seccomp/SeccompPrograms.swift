import JSONCodec
import LinuxKernel
import OCIRuntime
import Synchronization

/// Which filter a process is to have.
struct SeccompSelection: Hashable, Sendable {
    enum Profile: Hashable, Sendable {
        case none, standard
        /// JSON text.
        case custom(String)
    }

    var profile: Profile
    var capabilities: Set<String>
}

/// Compiled filters in files, which shims load. Compiled by `skiff-seccomp` the first time a filter is asked for, which
/// takes some milliseconds.
final class SeccompPrograms: Sendable {
    private let standardProfile: String
    private let cache: SeccompCache
    private let files = Mutex<[SeccompSelection: String]>([:])
    /// Custom profiles are as large as users make them: they are not kept in memory beyond this.
    private static let knownLimit = 32

    /// - Parameters:
    ///   - folder: made when missing
    ///   - compiler: the path of `skiff-seccomp`; empty to look for it
    ///   - profilePath: a profile that replaces the built-in one; empty for none
    init(folder: String, compiler: String, profilePath: String) throws {
        cache = SeccompCache(directory: folder, compiler: compiler.isEmpty ? nil : compiler)
        standardProfile =
            profilePath.isEmpty
            ? DefaultSeccompProfile.json.text()
            : String(decoding: try readFile(profilePath, limit: 4 << 20), as: UTF8.self)
    }

    /// The file with the program; nil for no filter. Blocks.
    func program(for selection: SeccompSelection) throws -> String? {
        let profile: String
        switch selection.profile {
        case .none: return nil
        case .standard: profile = standardProfile
        case .custom(let text): profile = text
        }
        if let path = files.withLock({ $0[selection] }), fileExists(path) { return path }
        let path = try cache.file(profile: profile, capabilities: selection.capabilities.sorted())
        files.withLock { files in
            if files.count >= Self.knownLimit { files = [:] }
            files[selection] = path
        }
        return path
    }
}

extension SpecBuilder {
    /// The filter that the container's processes get; a privileged one gets none.
    func seccomp(privileged: Bool = false) throws(EngineError) -> SeccompSelection {
        if privileged || isPrivileged || !inputs.features.hasSeccomp {
            return SeccompSelection(profile: .none, capabilities: [])
        }
        let given = Capability.clamp(try Capability.selection(spec.security), inputs.features).given
        switch security.seccomp {
        case .unconfined: return SeccompSelection(profile: .none, capabilities: [])
        case .standard: return SeccompSelection(profile: .standard, capabilities: Set(given))
        case .profile(let text): return SeccompSelection(profile: .custom(text), capabilities: Set(given))
        }
    }
}
