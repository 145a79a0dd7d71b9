import Glibc
import JSONCodec
import LinuxKernel
import Synchronization

/// Which filter a process is to have.
struct SeccompRequest: Hashable, Sendable {
    enum Profile: Hashable, Sendable {
        case none, standard
        /// JSON text.
        case custom(String)
    }

    var profile: Profile
    var capabilities: Set<String>
}

/// Compiled filters in files, which shims load. Blocks for a few milliseconds the first time a filter is asked for.
final class SeccompPrograms: Sendable {
    private let folder: String
    private let standardProfile: String?
    private let kernel: KernelVersion
    private let known = Mutex<[SeccompRequest: String]>([:])
    /// Custom profiles are as large as users make them: they are not kept in memory beyond this.
    private static let knownLimit = 32
    /// Part of the file names: changed whenever the compiler's output changes.
    private static let format = 1

    /// - Parameters:
    ///   - folder: made when missing
    ///   - profilePath: a profile that replaces the built-in one; empty for none
    init(folder: String, profilePath: String, kernel: KernelVersion) throws {
        self.folder = folder
        self.kernel = kernel
        try makeDirectories(folder, mode: 0o700)
        standardProfile =
            profilePath.isEmpty
            ? nil : String(decoding: try readFile(profilePath, limit: 4 << 20), as: UTF8.self)
    }

    /// The file with the program; nil for no filter.
    func program(for request: SeccompRequest) throws -> String? {
        if request.profile == .none { return nil }
        if let path = known.withLock({ $0[request] }) { return path }
        let path = "\(folder)/\(key(request)).bpf"
        if !fileExists(path) {
            let rules = try profile(request).resolve(capabilities: request.capabilities, kernel: kernel)
            try replaceFile(path, try SeccompCompiler.compile(rules), mode: 0o600)
        }
        known.withLock { known in
            if known.count >= Self.knownLimit { known = [:] }
            known[request] = path
        }
        return path
    }

    private func profile(_ request: SeccompRequest) throws -> SeccompProfile {
        switch request.profile {
        case .custom(let text): return try SeccompProfile(text)
        case .none, .standard:
            if let standardProfile { return try SeccompProfile(standardProfile) }
            return try SeccompProfile(DefaultSeccompProfile.json)
        }
    }

    /// Names the file by everything that decides its content.
    private func key(_ request: SeccompRequest) -> String {
        var text = "\(Self.format) \(SeccompProfile.native.scmp) \(kernel.major).\(kernel.minor) "
        text += request.capabilities.sorted().joined(separator: ",") + " "
        switch request.profile {
        case .custom(let profile): text += profile
        case .none, .standard: text += standardProfile ?? DefaultSeccompProfile.json.text()
        }
        return Self.hash(text, 0xCBF2_9CE4_8422_2325) + Self.hash(text, 0x9E37_79B9_7F4A_7C15)
    }

    /// FNV-1a; two of them with different beginnings make a name that no two profiles share by accident.
    private static func hash(_ text: String, _ start: UInt64) -> String {
        var value = start
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

extension SpecBuilder {
    /// The filter that the container's processes get; a privileged one gets none.
    func seccompRequest(privileged: Bool = false) -> SeccompRequest {
        let given =
            (try? Capability.selection(spec.security)).map { Capability.clamp($0, inputs.features).given }
            ?? []
        if privileged || isPrivileged || !inputs.features.hasSeccomp {
            return SeccompRequest(profile: .none, capabilities: [])
        }
        switch security.seccomp {
        case .unconfined: return SeccompRequest(profile: .none, capabilities: [])
        case .standard: return SeccompRequest(profile: .standard, capabilities: Set(given))
        case .profile(let text): return SeccompRequest(profile: .custom(text), capabilities: Set(given))
        }
    }
}
