import Glibc
import LinuxKernel
import OCIModel

/// The control group of a transient scope that systemd made and has delegated: from then on a group of the unified
/// hierarchy like any other, except that systemd has to know its limits too.
///
/// A scope needs a process from its beginning, and the container's own is to be born inside. So a process that does
/// nothing holds the place, until `processJoined()`. The scope ends once its last process has.
struct SystemdCgroup: Cgroup {
    let unit: SystemdUnit
    private let group: CgroupV2
    /// The process that holds the place, a child of this one; nil for a group that others made.
    private let placeholder: SharedDescriptor?

    var path: String { group.path }
    var directory: String { group.directory }

    init(_ unit: SystemdUnit, mount: String) {
        self.init(unit, mount: mount, placeholder: nil)
    }

    private init(_ unit: SystemdUnit, mount: String, placeholder: SharedDescriptor?) {
        self.unit = unit
        group = CgroupV2(path: unit.path, mount: mount)
        self.placeholder = placeholder
    }

    /// Makes the scope with its limits. For a process with one thread.
    static func create(
        _ unit: SystemdUnit, mount: String, _ resources: RuntimeResources
    ) throws(CgroupError) -> SystemdCgroup {
        let limits = try UnitProperties.limits(resources)
        let bus = try SystemdBus()
        let (process, pidfd) = try startPlaceholder()
        let made = SystemdCgroup(unit, mount: mount, placeholder: pidfd)
        do throws(CgroupError) {
            let own = UnitProperties.scope(unit, process: process)
            let names = Set(limits.map(\.name))
            try bus.startScope(unit, own.filter { !names.contains($0.name) } + limits)
            guard fileExists(made.directory) else {
                throw CgroupError(.failed, "\(unit.name) was started, but is not in \(made.directory)")
            }
            try made.group.apply(resources)
        } catch {
            made.processJoined()
            throw error
        }
        return made
    }

    private static func startPlaceholder() throws(CgroupError) -> (Int32, SharedDescriptor) {
        do throws(SystemCallError) {
            let parent = getpid()
            switch try fork(into: []) {
            case .child:
                // Whatever this process has open must not live longer for it.
                try? closeDescriptors(from: 0, onExec: false)
                resetSignals()
                try? setParentDeathSignal(SIGKILL)
                guard getppid() == parent else { _exit(0) }
                while true { pause() }
            case .parent(let pid, let pidfd): return (pid, SharedDescriptor(pidfd))
            }
        } catch {
            throw CgroupError(.failed, "cannot start a process for the scope", cause: error)
        }
    }

    /// Ends what holds the place. May be called again.
    func processJoined() {
        guard let placeholder else { return }
        do throws(SystemCallError) {
            try sendSignal(SIGKILL, toPidfd: placeholder.rawValue)
            _ = try reap(placeholder.rawValue)
        } catch {
            // ESRCH and ECHILD: it was ended and reaped before.
        }
    }

    func apply(_ resources: RuntimeResources) throws(CgroupError) {
        var known = resources
        // systemd wants the quota as a share of a second, which a quota alone does not say.
        if known.cpu?.quota != nil, known.cpu?.period ?? 0 == 0 { known.cpu?.period = group.cpuPeriod }
        let properties = try UnitProperties.limits(known)
        if !properties.isEmpty { try SystemdBus().set(properties, of: unit) }
        try group.apply(resources)
    }

    func openMembership() throws(CgroupError) -> CgroupMembership { try group.openMembership() }

    func processes(recursive: Bool) throws(CgroupError) -> [Int32] {
        try group.processes(recursive: recursive)
    }

    func setFrozen(_ frozen: Bool) throws(CgroupError) { try group.setFrozen(frozen) }

    func isFrozen() throws(CgroupError) -> Bool { try group.isFrozen() }

    func statistics() throws(CgroupError) -> CgroupStatistics { try group.statistics() }

    func outOfMemoryKills() throws(CgroupError) -> UInt64 { try group.outOfMemoryKills() }

    /// systemd is told: the kernel may drop its notice of an empty group that is removed at once, and the scope would
    /// stay, to be made again with the next `daemon-reload`.
    func remove() throws(CgroupError) {
        processJoined()
        try group.remove()
        try SystemdBus().discard(unit)
    }
}
