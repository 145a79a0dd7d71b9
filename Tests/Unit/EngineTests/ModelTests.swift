import JSONCodec
import OCIModel
import Testing

@testable import Engine

@Suite struct ModelTests {
    @Test func modesKeepDockersTexts() {
        for text in ["default", "bridge", "host", "none", "container:abc", "mynet"] {
            #expect(NetworkMode(text)?.text == text)
        }
        #expect(NetworkMode("") == .standard)
        #expect(NetworkMode("container:") == nil)
        for text in ["", "none", "private", "shareable", "host", "container:x"] {
            #expect(IPCMode(text)?.text == text)
        }
        #expect(IPCMode("shared") == nil)
        #expect(PIDMode("container:") == nil)
    }

    @Test func portsAndBindingsAreRead() {
        #expect(ContainerPort("80") == ContainerPort(number: 80, transport: .tcp))
        #expect(ContainerPort("53/UDP")?.text == "53/udp")
        for bad in ["", "0", "65536", "80/xyz", "80-90", "/tcp"] { #expect(ContainerPort(bad) == nil) }
        #expect(HostBinding(address: "", portText: "")?.ports == nil)
        #expect(HostBinding(address: "::", portText: "8000-8010")?.portText == "8000-8010")
        #expect(HostBinding(address: "", portText: "0")?.portText == "0")
        for bad in ["9-8", "x", "1-2-3", "-1", "65536"] {
            #expect(HostBinding(address: "", portText: bad) == nil)
        }
    }

    @Test func bindTextsAreReadAsDockerReadsThem() throws {
        let bind = try BindText(parsing: "/src:/dst:ro,z,rslave")
        #expect(bind.source == "/src" && bind.target == "/dst" && bind.isReadOnly && !bind.isVolume)
        #expect(bind.propagation == "rslave")
        #expect(try BindText(parsing: "data:/dst:nocopy").isVolume)
        let anonymous = try BindText(parsing: "/dst")
        #expect(anonymous.isVolume && anonymous.source.isEmpty && anonymous.target == "/dst")
        for bad in [
            "", "dst", "/", "/dst:ro", "/a:b", "/a:/", "/a:/b:ro,rw", "/a:/b:xx", "/a:/b:ro:rw", ":/b",
            "a b:/x", "x:/y",
            "/a:/b:shared,slave", "/a:/b:z,Z", "/a:/b:ro,", "/a:/b:nocopy", "data:/b:rshared", "/a:",
            "/a::ro",
            "/a:/b:idmap,U",
        ] {
            #expect(throws: EngineError.self, "\(bad)") { try BindText(parsing: bad) }
        }
        #expect(try BindText(parsing: "/a:/b:").mode.isEmpty)
        #expect(try BindText(parsing: "/a:/b:U,ro").mapsOwner)
        #expect(try BindText(parsing: "data:/b:z,ro").mode == "z,ro")
    }

    @Test func textsOfVolumesFromAreReadAsDockerReadsThem() throws {
        #expect(try VolumesFromText(parsing: "db").container == "db")
        #expect(try !VolumesFromText(parsing: "db:rw").isReadOnly)
        #expect(try VolumesFromText(parsing: "db:ro,z").isReadOnly)
        for bad in ["", "db:nocopy", "db:rshared", "db:idmap", "db:x", "db:ro,rw"] {
            #expect(throws: EngineError.self, "\(bad)") { try VolumesFromText(parsing: bad) }
        }
    }

    @Test func mountsOfEarlierRecordsAreReadAsTheyWere() throws {
        let text =
            #"{"binds":["data:/b:rshared"],"requests":[],"tmpfs":{},"shmSize":0,"readOnlyRoot":false,"volumeDriver":""}"#
        let mounts = try JSONValue(parsing: Array(text.utf8)).decode(MountSpec.self)
        #expect(
            mounts.volumesFrom.isEmpty && mounts.binds[0].source == "data" && mounts.binds[0].target == "/b")
    }

    @Test func theWholeSpecificationSurvivesItsRecord() throws {
        var spec = ContainerSpec(image: "busybox")
        spec.process.command = ["sh", "-c", "true"]
        spec.process.entrypoint = []
        spec.network.mode = .container("abc")
        spec.network.publishedPorts = [
            PortPublication(
                port: ContainerPort(number: 80, transport: .tcp),
                bindings: [HostBinding(address: "::1", ports: 1...2)])
        ]
        spec.mounts.binds = [try BindText(parsing: "/a:/b:ro")]
        spec.mounts.requests = [
            MountRequest(kind: .volume(VolumeMount(name: "v1")), target: "/v", isReadOnly: true)
        ]
        spec.restartPolicy = .onFailure(maximum: 3)
        spec.healthcheck = Healthcheck()
        spec.resources.pidsLimit = -1
        spec.namespaces.cgroup = .private
        spec.stopTimeout = -1
        let text = try JSONValue(encoding: spec).text()
        #expect(try JSONValue(parsing: text).decode(ContainerSpec.self) == spec)
    }

    @Test func whatRemovesItselfGoesAfterItsRunOrAFailedStart() {
        var progress = ContainerProgress()
        #expect(!progress.hasHadItsRun)
        progress.failureCode = 127
        #expect(progress.hasHadItsRun)
        progress = ContainerProgress()
        progress.lastExit = ExitStatus(code: 0, startedAt: .now, finishedAt: .now)
        #expect(progress.hasHadItsRun)
        progress.state = .running(RunningState(pid: 1, startedAt: .now))
        #expect(!progress.hasHadItsRun)
    }

    @Test func everyStateSurvivesItsRecord() throws {
        let time = Timestamp(seconds: 1_700_000_000, nanoseconds: 5)
        let exit = ExitStatus(code: 137, startedAt: time, finishedAt: time)
        let running = RunningState(pid: 42, startedAt: time)
        let states: [ContainerState] = [
            .created, .starting, .running(running), .paused(running), .exited(exit), .removing(nil),
            .dead(exit),
        ]
        for state in states {
            var progress = ContainerProgress()
            progress.removesVolumes = true
            progress.state = state
            progress.lastExit = state.exit
            let text = try JSONValue(encoding: progress).text()
            #expect(try JSONValue(parsing: text).decode(ContainerProgress.self) == progress)
        }
    }

    @Test func theExitCodeIsThatOfTheLastRunOrTheFailedStart() {
        var progress = ContainerProgress()
        #expect(progress.exitCode == 0 && progress.restingState == .created)
        let time = Timestamp(seconds: 1)
        progress.lastExit = ExitStatus(code: 3, startedAt: time, finishedAt: time)
        progress.state = progress.restingState
        #expect(progress.exitCode == 3 && progress.state.status == "exited")
        progress.failureCode = 127
        #expect(progress.exitCode == 127)
        progress.state = .running(RunningState(pid: 1, startedAt: time))
        #expect(progress.exitCode == 0)
    }

    @Test func filtersAreDockers() throws {
        let filters = Filters(["label": ["a=1", "b"], "dangling": ["true"]])
        #expect(filters.matchesLabels(["a": "1", "b": "x"]))
        #expect(!filters.matchesLabels(["a": "2", "b": "x"]))
        #expect(try filters.flag("dangling") == true)
        #expect(throws: EngineError.self) { try filters.require(keys: ["label"]) }
        #expect(throws: EngineError.self) { try Filters(["x": ["maybe"]]).flag("x") }
        #expect(NamePattern.matches("^/?web$", "web") && !NamePattern.matches("^/?web$", "web2"))
        #expect(NamePattern.matches("eb", "web2"))
    }

    @Test func eventsAreFilteredByActionActorAndLabel() throws {
        let event = EngineEvent(
            kind: .container, action: "exec_create: sh -c x", actorID: "abc123",
            attributes: ["image": "busybox:latest", "name": "web", "tier": "front"],
            time: Timestamp(seconds: 5))
        func matches(_ values: [String: [String]], until: Int64? = nil) throws -> Bool {
            try EventFilter(Filters(values), until: until.map { Timestamp(seconds: $0) }).matches(event)
        }
        #expect(try matches([:]))
        #expect(try matches(["event": ["exec_create"]]))
        #expect(try !matches(["event": ["exec"]]))
        #expect(try matches(["container": ["abc"], "type": ["image", "container"]]))
        #expect(try matches(["image": ["busybox"]]))
        #expect(try !matches(["image": ["busy"]]))
        #expect(try matches(["label": ["tier=front"]]))
        #expect(try !matches(["network": ["bridge"]]))
        #expect(try !matches([:], until: 4))
        #expect(throws: EngineError.self) { try EventFilter(Filters(["nonsense": ["x"]]), until: nil) }
    }
}
