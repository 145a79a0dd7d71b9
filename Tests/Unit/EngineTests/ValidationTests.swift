import OCIModel
import Testing

@testable import Engine

@Suite struct ValidationTests {
    private func validated(_ change: (inout Resources) -> Void) throws -> (Resources, [String]) {
        var features = HostFeatures()
        features.processors = 2
        features.availableCPUs = "0-1"
        features.availableMems = "0"
        var resources = Resources()
        change(&resources)
        let warnings = try resources.validate(features)
        return (resources, warnings)
    }

    @Test func memoryLimitsFollowDockersRules() throws {
        #expect(try validated { $0.memory = 64 << 20 }.0.memorySwap == 128 << 20)
        #expect(throws: EngineError.self) { try validated { $0.memory = 5 << 20 } }
        #expect(throws: EngineError.self) { try validated { $0.memorySwap = 64 << 20 } }
        #expect(throws: EngineError.self) {
            try validated {
                $0.memory = 64 << 20
                $0.memorySwap = 32 << 20
            }
        }
        #expect(throws: EngineError.self) { try validated { $0.memorySwappiness = 101 } }
        #expect(try validated { $0.memorySwappiness = -1 }.0.memorySwappiness == nil)
        #expect(try validated { $0.oomKillDisable = true }.1.count == 1)
    }

    @Test func processorLimitsFollowDockersRules() throws {
        #expect(throws: EngineError.self) { try validated { $0.nanoCPUs = 3_000_000_000 } }
        #expect(throws: EngineError.self) {
            try validated {
                $0.nanoCPUs = 1_000_000_000
                $0.cpuQuota = 5000
            }
        }
        #expect(throws: EngineError.self) { try validated { $0.cpuPeriod = 10 } }
        #expect(throws: EngineError.self) { try validated { $0.cpusetCPUs = "5" } }
        #expect(throws: EngineError.self) { try validated { $0.cpusetCPUs = "x" } }
        #expect(try validated { $0.cpusetCPUs = "0-1" }.0.cpusetCPUs == "0-1")
        #expect(throws: EngineError.self) { try validated { $0.blkioWeight = 5 } }
        #expect(throws: EngineError.self) {
            try validated { $0.ulimits = [Ulimit(name: "nofile", soft: 5, hard: 2)] }
        }
        #expect(throws: EngineError.self) {
            try validated { $0.ulimits = [Ulimit(name: "files", soft: 1, hard: 2)] }
        }
    }

    @Test func whatTheKernelCannotDoIsTakenOutWithAWarning() throws {
        var features = HostFeatures()
        features.memoryLimit = false
        features.pidsLimit = false
        features.blkioWeight = false
        var resources = Resources()
        resources.memory = 64 << 20
        resources.pidsLimit = 5
        resources.blkioWeight = 500
        let warnings = try resources.validate(features)
        #expect(warnings.count == 3)
        #expect(resources.memory == 0 && resources.pidsLimit == nil && resources.blkioWeight == 0)
    }

    private func warnings(_ change: (inout ContainerSpec) -> Void) throws -> [String] {
        var spec = ContainerSpec(image: "busybox")
        change(&spec)
        return try spec.validate(HostFeatures(), EngineConfiguration())
    }

    private func subpath(_ path: String) -> MountRequest {
        var volume = VolumeMount(name: "data")
        volume.subpath = path
        return MountRequest(kind: .volume(volume), target: "/t")
    }

    @Test func contradictionsAreRefused() throws {
        #expect(try warnings { _ in }.isEmpty)
        let bad: [(inout ContainerSpec) -> Void] = [
            { $0.process.workingDirectory = "x" },
            { $0.process.environment = ["=x"] },
            { $0.stopSignal = "SIGNOPE" },
            { $0.oomScoreAdjustment = 1001 },
            {
                $0.autoRemove = true
                $0.restartPolicy = .always
            },
            {
                $0.network.mode = .container("x")
                $0.network.publishAll = true
            },
            {
                $0.network.mode = .host
                $0.sysctls = ["net.core.somaxconn": "1"]
            },
            { $0.mounts.tmpfs = ["tmp": ""] },
            {
                $0.mounts.tmpfs = ["/tmp/": ""]
                $0.mounts.requests = [MountRequest(kind: .tmpfs(TmpfsMount()), target: "/tmp")]
            },
            { $0.mounts.volumesFrom = ["x:nocopy"] },
            { $0.mounts.requests = [subpath("../x")] },
            { $0.mounts.requests = [subpath("a/../../x")] },
            { $0.mounts.requests = [subpath("/x")] },
            { $0.mounts.requests = [MountRequest(kind: .bind(BindMount(source: "x")), target: "/t")] },
            { $0.mounts.requests = [MountRequest(kind: .image(ImageMount(image: "")), target: "/t")] },
            { $0.security.options = ["nonsense"] },
            { $0.security.capabilitiesAdded = ["NOPE"] },
            { $0.runtime = "kata" },
            { $0.network.extraHosts = ["nocolon"] },
            { $0.network.hostname = String(repeating: "x", count: 65) },
        ]
        for (number, change) in bad.enumerated() {
            #expect(throws: EngineError.self, "case \(number)") { try warnings(change) }
        }
    }

    @Test func theDaemonsChoicesAreSettled() throws {
        var spec = ContainerSpec(image: "busybox")
        _ = try spec.validate(HostFeatures(), EngineConfiguration())
        #expect(spec.namespaces.ipc == .private && spec.namespaces.cgroup == .host)
        #expect(spec.mounts.shmSize == 64 << 20 && spec.logConfiguration.driver == "json-file")
        var features = HostFeatures()
        features.cgroupVersion = 2
        spec = ContainerSpec(image: "busybox")
        _ = try spec.validate(features, EngineConfiguration())
        #expect(spec.namespaces.cgroup == .private)
    }

    private var image: ImageDefaults {
        var image = ImageDefaults()
        image.command = ["sh"]
        image.entrypoint = ["/entry"]
        image.environment = ["A=image", "B=image"]
        image.labels = ["a": "image", "b": "image"]
        image.exposedPorts = ["80/tcp"]
        image.volumes = ["/data"]
        image.user = "nobody"
        image.stopSignal = "SIGQUIT"
        return image
    }

    private func completed(_ change: (inout ContainerSpec) -> Void) throws -> ContainerSpec {
        var spec = ContainerSpec(image: "x")
        change(&spec)
        try spec.complete(from: image)
        return spec
    }

    @Test func commandAndEntrypointAreMergedAsDockerMergesThem() throws {
        #expect(try completed { _ in }.arguments == ["/entry", "sh"])
        #expect(try completed { $0.process.command = ["x"] }.arguments == ["/entry", "x"])
        #expect(try completed { $0.process.entrypoint = ["/own"] }.arguments == ["/own"])
        #expect(
            try completed {
                $0.process.entrypoint = [""]
                $0.process.command = ["x"]
            }.arguments == ["x"])
        var spec = ContainerSpec(image: "x")
        #expect(throws: EngineError.self) { try spec.complete(from: ImageDefaults()) }
    }

    @Test func whatTheRequestSaysWinsOverTheImage() throws {
        let spec = try completed {
            $0.process.environment = ["A=own", "C=own"]
            $0.labels = ["a": "own"]
            $0.exposedPorts = [ContainerPort(number: 443, transport: .tcp)]
        }
        #expect(spec.process.environment == ["A=own", "C=own", "B=image"])
        #expect(spec.labels == ["a": "own", "b": "image"])
        #expect(spec.exposedPorts.map(\.text) == ["80/tcp", "443/tcp"])
        #expect(
            spec.anonymousVolumes == ["/data"] && spec.process.user == "nobody"
                && spec.stopSignal == "SIGQUIT")
    }

    @Test func signalsAreKnownByNameAndNumber() throws {
        #expect(try SignalName.number("SIGTERM") == 15)
        #expect(try SignalName.number("kill") == 9)
        #expect(try SignalName.number("3") == 3)
        #expect(try SignalName.number("RTMIN+3") == 37)
        for bad in ["", "0", "65", "SIGNOPE", "RTMIN+31", "-1"] {
            #expect(throws: EngineError.self) { try SignalName.number(bad) }
        }
    }

    @Test func logSizesAreCountedAsDockerCountsThem() {
        #expect(LogFile.parseSize("10m") == 10_000_000)
        #expect(LogFile.parseSize("1.5kB") == 1500)
        #expect(LogFile.parseSize("7") == 7)
        #expect(LogFile.parseSize("x") == nil && LogFile.parseSize("5q") == nil)
    }
}
