import Glibc
import LinuxKernel
import OCIModel

/// The last part of a container process's making, the same for the first process and for exec'd ones: what it may do,
/// who it is, where it stands, what it runs. Runs with the container's root as `/`.
struct ProcessSetup {
    let process: RuntimeProcess
    let request: UserRequest?
    let seccomp: SeccompProgram?
    let preservedDescriptors: Int32
    /// The channel to a parent with which the process is to end; nil where it is to outlive it.
    let parentSocket: Int32?
    /// Prefixed to the program's arguments (an init program); empty for none.
    let wrapper: [String]
    /// Whether a working directory that is missing is made.
    let makesWorkingDirectory: Bool

    /// What `prepare` found out.
    struct Prepared {
        let user: ResolvedUser
        let path: String
        let arguments: [String]
        let environment: [String]
        let capabilities: CapabilityRequest?
        let umask: mode_t
    }

    /// Before the move into the container: what needs the host's /proc.
    static func prepareOutside(_ process: RuntimeProcess) throws(RuntimeError) {
        if let adjustment = process.oomScoreAdj { try setOOMScore(adjustment) }
        if let profile = process.apparmorProfile, !profile.isEmpty { try setAppArmor(profile) }
        if let label = process.selinuxLabel, !label.isEmpty {
            throw RuntimeError(.unsupported, "process.selinuxLabel is not built yet: remove label \(label)")
        }
    }

    private static func setOOMScore(_ adjustment: Int) throws(RuntimeError) {
        let path = "/proc/self/oom_score_adj"
        try step("process.oomScoreAdj \(adjustment)") { () throws(SystemCallError) in
            let current = String(decoding: try readFile(path), as: UTF8.self)
            if current == "\(adjustment)\n" { return }
            try writeControlFile(path, String(adjustment))
        }
    }

    /// Taken by the next exec. Older kernels know only the file that all security modules share.
    private static func setAppArmor(_ profile: String) throws(RuntimeError) {
        guard fileExists("/sys/module/apparmor") || fileExists("/proc/self/attr/apparmor/exec") else {
            if profile == "unconfined" { return }
            throw RuntimeError(
                .unsupported,
                "AppArmor profile \(profile): this kernel has no AppArmor, or it is switched off")
        }
        let own = "/proc/self/attr/apparmor/exec"
        do throws(SystemCallError) {
            try writeControlFile(fileExists(own) ? own : "/proc/self/attr/exec", "exec \(profile)")
        } catch {
            throw RuntimeError(
                .setupFailed, "unable to apply apparmor profile: \(profile): \(error)", errno: error.errno)
        }
    }

    /// Everything that can fail for the container's content: user, program, working directory.
    func prepare() throws(RuntimeError) -> Prepared {
        guard !process.args.isEmpty else {
            throw RuntimeError(.invalidSpecification, "process.args: there is no program to run")
        }
        let user = try resolveUser()
        var environment = process.env
        if !environment.contains(where: { $0.hasPrefix("HOME=") && $0.utf8.count > 5 }) {
            environment.removeAll { $0 == "HOME=" }
            environment.append("HOME=\(user.home)")
        }
        try enterWorkingDirectory(user)
        let path = try ExecutableLookup.find(process.args[0], environment: environment)
        let capabilities = try process.capabilities.map { (wished) throws(RuntimeError) in
            try CapabilityRequest(wished).clampedToOwn()
        }
        return Prepared(
            user: user, path: wrapper.first ?? path, arguments: wrapper + process.args,
            environment: environment,
            capabilities: capabilities, umask: mode_t(process.user.umask ?? 0o022))
    }

    private func resolveUser() throws(RuntimeError) -> ResolvedUser {
        if let request { return try UserDatabase.ofCurrentRoot().resolve(request) }
        var user = ResolvedUser(
            uid: process.user.uid, gid: process.user.gid, groups: process.user.additionalGids)
        if !process.env.contains(where: { $0.hasPrefix("HOME=") && $0.utf8.count > 5 }),
            let home = UserDatabase.ofCurrentRoot().user(uid: user.uid)?.home, !home.isEmpty
        {
            user.home = home
        }
        return user
    }

    /// Makes the directory of a container's first process where it is missing, for root with mode 0755.
    private func enterWorkingDirectory(_ user: ResolvedUser) throws(RuntimeError) {
        let path = process.cwd.isEmpty ? "/" : process.cwd
        guard path.hasPrefix("/") else {
            throw RuntimeError(.workingDirectory, "Cwd must be an absolute path: \(path)")
        }
        do throws(SystemCallError) {
            if makesWorkingDirectory, chdir(path) != 0, errno == ENOENT { try makeDirectories(path) }
            try systemCall("chdir", path) { chdir(path) }
        } catch  where error.errno == EACCES && user.uid != 0 {
            // A directory that only the user itself may enter (a network share): tried again as that user.
            return
        } catch {
            throw Self.cannotEnter(path, error)
        }
        try insideRoot(path)
    }

    private static func cannotEnter(_ path: String, _ error: SystemCallError) -> RuntimeError {
        let reason = String(cString: strerror(error.errno)).lowercased()
        return RuntimeError(
            .workingDirectory, "chdir to cwd (\"\(path)\") set in config.json failed: \(reason)",
            errno: error.errno)
    }

    /// A working directory that leads through a leaked descriptor would be outside of the container.
    private func insideRoot(_ path: String) throws(RuntimeError) {
        // glibc's getcwd reports a path that does not begin at the root as ENOENT.
        var buffer = [CChar](repeating: 0, count: 4097)
        guard getcwd(&buffer, 4096) != nil else {
            throw RuntimeError(
                .workingDirectory,
                "current working directory \(path) is outside of container mount namespace root")
        }
    }

    /// Gives up privileges and executes the program. Returns only to throw.
    func finish(_ prepared: Prepared) throws(RuntimeError) -> Never {
        try ResourceLimits.apply(process.rlimits)
        if let priority = process.ioPriority { try setPriority(priority) }
        try StreamSetup.changeOwner(to: prepared.user.uid)
        if process.noNewPrivileges {
            try step("process.noNewPrivileges") { () throws(SystemCallError) in try setNoNewPrivileges() }
        } else {
            // The kernel wants CAP_SYS_ADMIN or no_new_privs for it, so it cannot be the last step here.
            try loadFilter()
        }
        try changeIdentity(prepared)
        // The change of identity has made the kernel forget it.
        if let parentSocket { try SetupChannel.dieWithParent(parentSocket) }
        umask(prepared.umask)
        if prepared.user.uid != 0 { try enterAsUser() }
        try step("descriptors") { () throws(SystemCallError) in
            try closeDescriptors(from: 3 + preservedDescriptors, onExec: true)
        }
        resetSignals()
        if process.noNewPrivileges { try loadFilter() }
        try ExecutableLookup.execute(prepared.path, prepared.arguments, environment: prepared.environment)
    }

    private func enterAsUser() throws(RuntimeError) {
        let path = process.cwd.isEmpty ? "/" : process.cwd
        if chdir(path) == 0 { return }
        let error = SystemCallError(call: "chdir", subject: path)
        // Already there: entered with root's rights, which the working directory keeps.
        var current = stat()
        if error.errno == EACCES, stat(".", &current) == 0 { return }
        throw Self.cannotEnter(path, error)
    }

    private func loadFilter() throws(RuntimeError) {
        guard let seccomp else { return }
        try step("seccomp filter") { () throws(SystemCallError) in
            try loadSeccomp(seccomp.instructions, flags: seccomp.flags)
        }
    }

    private func setPriority(_ priority: RuntimeIOPriority) throws(RuntimeError) {
        let number: Int32 =
            switch priority.class {
            case .realTime: 1
            case .bestEffort: 2
            case .idle: 3
            }
        try step("process.ioPriority") { () throws(SystemCallError) in
            try setIOPriority(priorityClass: number, priority.priority)
        }
    }

    private func changeIdentity(_ prepared: Prepared) throws(RuntimeError) {
        let user = prepared.user
        guard let wished = prepared.capabilities else {
            try step("user \(user.uid):\(user.gid)") { () throws(SystemCallError) in
                try becomeUser(uid: user.uid, gid: user.gid, groups: user.groups)
            }
            return
        }
        try step("capabilities") { () throws(SystemCallError) in
            for capability in 0..<64 where wished.toDrop & (1 << UInt64(capability)) != 0 {
                try dropBoundingCapability(capability)
            }
            try keepCapabilities(true)
        }
        try step("user \(user.uid):\(user.gid)") { () throws(SystemCallError) in
            try becomeUser(uid: user.uid, gid: user.gid, groups: user.groups)
        }
        try step("capabilities") { () throws(SystemCallError) in
            try keepCapabilities(false)
            try CapabilitySets(
                effective: wished.effective, permitted: wished.permitted, inheritable: wished.inheritable
            ).apply()
            try clearAmbientCapabilities()
            for capability in 0..<64 where wished.ambient & (1 << UInt64(capability)) != 0 {
                try raiseAmbientCapability(capability)
            }
        }
    }
}
