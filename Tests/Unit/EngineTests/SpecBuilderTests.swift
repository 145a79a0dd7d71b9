import OCIModel
import Testing

@testable import Engine

@Suite struct SpecBuilderTests {
    private func inputs(_ change: (inout SpecInputs) -> Void = { _ in }) -> SpecInputs {
        var spec = ContainerSpec(image: "busybox")
        spec.process.command = ["sh"]
        spec.namespaces.cgroup = .host
        var inputs = SpecInputs(
            id: String(repeating: "a", count: 64), spec: spec, hostname: "box", mounts: [],
            features: HostFeatures(),
            configuration: EngineConfiguration(), sharedMemory: .tmpfs(bytes: 64 << 20))
        inputs.files = ContainerPaths(folder: "/c", id: "x", spec: spec)
        change(&inputs)
        return inputs
    }

    private func build(_ change: (inout SpecInputs) -> Void = { _ in }) throws -> RuntimeSpec {
        try SpecBuilder(inputs(change)).build()
    }

    @Test func theDefaultContainerIsDockers() throws {
        let spec = try build()
        let process = try #require(spec.process)
        #expect(process.args == ["sh"] && process.cwd == "/")
        #expect(process.env == [DefaultPaths.searchPath, "HOSTNAME=box"])
        #expect(process.capabilities?.bounding.count == 14)
        #expect(process.capabilities?.inheritable == [] && process.capabilities?.ambient == [])
        #expect(process.oomScoreAdj == 0 && !process.noNewPrivileges)
        #expect(spec.linux.namespaces.map(\.kind) == [.mount, .network, .uts, .pid, .ipc])
        #expect(spec.linux.cgroupsPath == "/skiff/" + String(repeating: "a", count: 64))
        #expect(spec.linux.sysctl["net.ipv4.ip_unprivileged_port_start"] == "0")
        #expect(spec.linux.sysctl["net.ipv4.ping_group_range"] == "0 2147483647")
        #expect(
            spec.linux.maskedPaths.contains("/proc/kcore") && spec.linux.readonlyPaths.contains("/proc/sys"))
        #expect(
            spec.mounts.map(\.destination) == [
                "/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm",
                "/etc/resolv.conf",
                "/etc/hostname", "/etc/hosts",
            ])
        #expect(spec.linux.resources.devices.first == RuntimeDeviceRule(allow: false))
        #expect(try RuntimeSpec(json: spec.json) == spec)
    }

    @Test func aPrivilegedContainerHasEverything() throws {
        let spec = try build { $0.spec.security.isPrivileged = true }
        #expect(spec.linux.maskedPaths.isEmpty && spec.linux.readonlyPaths.isEmpty)
        #expect(spec.process?.capabilities?.bounding.count == 41)
        #expect(spec.linux.resources.devices == [RuntimeDeviceRule(allow: true)])
        #expect(spec.mounts.first { $0.destination == "/sys" }?.options.contains("rw") == true)
        #expect(spec.linux.devices.contains { $0.path == "/dev/null" })
    }

    @Test func capabilitiesAreClampedToTheHosts() throws {
        var security = SecuritySpec()
        security.capabilitiesAdded = ["ALL"]
        security.capabilitiesDropped = ["net_raw"]
        let all = try Capability.selection(security)
        #expect(all.count == 40 && !all.contains("CAP_NET_RAW"))
        var features = HostFeatures()
        features.boundingCapabilities = ~(1 << 24)
        features.lastCapability = 38
        let (given, missing) = Capability.clamp(all, features)
        #expect(Set(missing) == ["CAP_SYS_RESOURCE", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"])
        #expect(given.count == 37)
        security = SecuritySpec()
        security.capabilitiesDropped = ["ALL"]
        security.capabilitiesAdded = ["CAP_CHOWN"]
        #expect(try Capability.selection(security) == ["CAP_CHOWN"])
    }

    @Test func namespacesAreJoinedThroughProcesses() throws {
        let spec = try build {
            $0.network = .process(7)
            $0.pid = .host
            $0.ipc = .process(8)
        }
        #expect(
            spec.linux.namespaces == [
                RuntimeNamespace(.mount), RuntimeNamespace(.network, path: "/proc/7/ns/net"),
                RuntimeNamespace(.uts),
                RuntimeNamespace(.ipc, path: "/proc/8/ns/ipc"),
            ])
        #expect(spec.linux.sysctl.isEmpty)
    }

    @Test func theUsersMountsReplaceTheEnginesAndComeInTheOrderOfDepth() throws {
        var deep = MountPoint(kind: .bind, destination: "/a/b/c")
        deep.source = "/x"
        var shallow = MountPoint(kind: .bind, destination: "/a")
        shallow.source = "/y"
        shallow.isWritable = false
        let hosts = MountPoint(kind: .bind, destination: "/etc/hosts")
        let dev = MountPoint(kind: .bind, destination: "/dev")
        let spec = try build { $0.mounts = [deep, shallow, hosts, dev] }
        let destinations = spec.mounts.map(\.destination)
        #expect(!destinations.contains("/dev/pts") && destinations.filter { $0 == "/etc/hosts" }.count == 1)
        let first = try #require(destinations.firstIndex(of: "/a"))
        let last = try #require(destinations.firstIndex(of: "/a/b/c"))
        #expect(first < last)
        #expect(spec.mounts[first].options == ["rbind", "rro", "rprivate"])
    }

    @Test func aTmpfsIsSafeUnlessAskedOtherwise() throws {
        var plain = MountPoint(kind: .tmpfs, destination: "/t")
        plain.mode = "size=64m,exec"
        let spec = try build { $0.mounts = [plain] }
        let mount = spec.mounts.first { $0.destination == "/t" }
        #expect(mount?.options == ["nosuid", "nodev", "size=64m", "exec"])
    }

    @Test func limitsBecomeTheKernels() throws {
        let spec = try build {
            $0.spec.resources.nanoCPUs = 1_500_000_000
            $0.spec.resources.memory = 64 << 20
            $0.spec.resources.memorySwap = -1
            $0.spec.resources.pidsLimit = 10
            $0.spec.resources.ulimits = [Ulimit(name: "nofile", soft: 10, hard: -1)]
            $0.spec.resources.deviceCgroupRules = ["c 1:* rm"]
            $0.configuration.defaultUlimits = [
                Ulimit(name: "nofile", soft: 1, hard: 1), Ulimit(name: "core", soft: 0, hard: 0),
            ]
        }
        #expect(spec.linux.resources.cpu?.quota == 150_000 && spec.linux.resources.cpu?.period == 100_000)
        #expect(spec.linux.resources.memory?.limit == 64 << 20 && spec.linux.resources.memory?.swap == -1)
        #expect(spec.linux.resources.pidsLimit == 10)
        #expect(
            spec.process?.rlimits == [
                RuntimeRlimit(type: "RLIMIT_NOFILE", soft: 10, hard: .max),
                RuntimeRlimit(type: "RLIMIT_CORE", soft: 0, hard: 0),
            ])
        #expect(
            spec.linux.resources.devices.last
                == RuntimeDeviceRule(allow: true, type: "c", major: 1, minor: nil, access: "rm"))
        #expect(throws: EngineError.self) {
            try build { $0.spec.resources.deviceCgroupRules = ["x 1:1 rwm"] }
        }
        #expect(throws: EngineError.self) {
            try build {
                $0.spec.resources.devices = [
                    DeviceMapping(hostPath: "/nonexistent", containerPath: "", permissions: "")
                ]
            }
        }
    }

    @Test func anExecInheritsAndChanges() throws {
        let builder = try SpecBuilder(
            inputs {
                $0.spec.process.environment = ["A=1", "B=2"]
                $0.spec.process.workingDirectory = "/srv"
            })
        var exec = ExecSpec(command: ["id"])
        exec.environment = ["B=3", "A"]
        exec.terminal = true
        let process = try builder.execProcess(exec)
        #expect(process.args == ["id"] && process.cwd == "/srv" && process.terminal)
        #expect(process.env == [DefaultPaths.searchPath, "HOSTNAME=box", "TERM=xterm", "B=3"])
        exec.isPrivileged = true
        #expect(try builder.execProcess(exec).capabilities?.bounding.count == 41)
    }

    @Test func securityOptionsDecideAboutTheFilter() throws {
        func selection(_ options: [String], privileged: Bool = false) throws -> SeccompSelection.Profile {
            try SpecBuilder(
                inputs {
                    $0.spec.security.options = options
                    $0.spec.security.isPrivileged = privileged
                }
            ).seccomp().profile
        }
        #expect(try selection([]) == .standard)
        #expect(try selection(["seccomp=unconfined"]) == .none)
        #expect(try selection(["seccomp={}"]) == .custom("{}"))
        #expect(try selection([], privileged: true) == .none)
        #expect(
            try build { $0.spec.security.options = ["no-new-privileges:true"] }.process?.noNewPrivileges
                == true)
        #expect(try build { $0.spec.security.options = ["systempaths=unconfined"] }.linux.maskedPaths.isEmpty)
    }
}
