import JSONCodec
import OCIModel
import Testing

struct RuntimeSpecTests {
    private static let full = """
        {"ociVersion":"1.0.2","process":{"terminal":true,"consoleSize":{"height":24,"width":80},"user":{"uid":1,"gid":2,
        "umask":18,"additionalGids":[3,4]},"args":["sh","-c","x"],"env":["A=b"],"cwd":"/","capabilities":{"bounding":
        ["CAP_CHOWN"],"effective":["CAP_CHOWN"],"permitted":["CAP_CHOWN"],"inheritable":["CAP_KILL"],"ambient":
        ["CAP_KILL"]},"rlimits":[{"type":"RLIMIT_NOFILE","hard":18446744073709551615,"soft":5}],"noNewPrivileges":true,
        "apparmorProfile":"p","oomScoreAdj":-5,"selinuxLabel":"l","ioPriority":{"class":"IOPRIO_CLASS_BE","priority":3}},
        "root":{"path":"rootfs","readonly":true},"hostname":"h","domainname":"d","mounts":[{"destination":"/proc",
        "type":"proc","source":"proc","options":["ro"]}],"hooks":{"poststop":[{"path":"/bin/x","args":["x"],"env":["E=1"],
        "timeout":3}]},"annotations":{"a":"b"},"linux":{"sysctl":{"net.a":"1"},"resources":{"devices":[{"allow":false,
        "type":"a","access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3,"access":"rw"}],"memory":{"limit":1,
        "swap":-1,"swappiness":0},"cpu":{"shares":2,"quota":-1,"period":4,"cpus":"0"},"pids":{"limit":9},"blockIO":
        {"weight":10,"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":7}]},"hugepageLimits":[{"pageSize":"2MB",
        "limit":1}],"unified":{"memory.high":"5"}},"cgroupsPath":"/x","namespaces":[{"type":"pid"},{"type":"network",
        "path":"/proc/1/ns/net"}],"devices":[{"path":"/dev/x","type":"c","major":10,"minor":200,"fileMode":438,"uid":1,
        "gid":2}],"seccomp":{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"architectures":["SCMP_ARCH_X86_64"],
        "syscalls":[{"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"valueTwo":2,"op":
        "SCMP_CMP_EQ"}]}]},"rootfsPropagation":"rslave","maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"]}}
        """

    @Test func everyFieldSurvivesReadingAndWriting() throws {
        let value = try JSONValue(parsing: Self.full)
        let spec = try RuntimeSpec(json: value)
        #expect(spec.json == value)
        #expect(try RuntimeSpec(json: spec.json) == spec)
        #expect(spec.process?.rlimits[0].hard == .max && spec.linux.resources.memory?.swap == -1)
    }

    @Test func membersThatNobodyKnowsAreIgnoredAsTheSpecificationDemands() throws {
        let value = try JSONValue(
            parsing: #"{"ociVersion":"1.1.0","windows":{},"process":{"args":["x"],"future":1}}"#)
        #expect(try RuntimeSpec(json: value).process?.args == ["x"])
    }

    @Test(arguments: [
        (#"[]"#, ""), (#"{}"#, "ociVersion"), (#"{"ociVersion":"2.0.0"}"#, "ociVersion"),
        (#"{"ociVersion":"1.0.2","process":[]}"#, "process"),
        (#"{"ociVersion":"1.0.2","process":{"args":["a",1]}}"#, "process.args[1]"),
        (#"{"ociVersion":"1.0.2","process":{"user":{"uid":-1}}}"#, "process.user.uid"),
        (#"{"ociVersion":"1.0.2","process":{"user":{"uid":4294967296}}}"#, "process.user.uid"),
        (#"{"ociVersion":"1.0.2","process":{"oomScoreAdj":1001}}"#, "process.oomScoreAdj"),
        (#"{"ociVersion":"1.0.2","mounts":[{"destination":"rel"}]}"#, "mounts[0].destination"),
        (#"{"ociVersion":"1.0.2","linux":{"namespaces":[{"type":"moon"}]}}"#, "linux.namespaces[0].type"),
        (
            #"{"ociVersion":"1.0.2","linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}}"#,
            "linux.namespaces"
        ),
        (#"{"ociVersion":"1.0.2","linux":{"devices":[{"path":"/x","type":"z"}]}}"#, "linux.devices[0].type"),
        (
            #"{"ociVersion":"1.0.2","linux":{"resources":{"memory":{"limit":"1"}}}}"#,
            "linux.resources.memory.limit"
        ),
        (
            #"{"ociVersion":"1.0.2","linux":{"resources":{"cpu":{"shares":1.5}}}}"#,
            "linux.resources.cpu.shares"
        ),
        (#"{"ociVersion":"1.0.2","linux":{"intelRdt":{"closID":"x"}}}"#, "linux.intelRdt"),
        (#"{"ociVersion":"1.0.2","hooks":{"prestart":[{"path":"x"}]}}"#, "hooks.prestart[0].path"),
    ])
    func whatIsWrongIsNamedByItsPlace(_ text: String, _ path: String) throws {
        let value = try JSONValue(parsing: text)
        let error = #expect(throws: RuntimeSpecError.self) { try RuntimeSpec(json: value) }
        #expect(error?.path == path)
    }

    /// Replaces random parts of a valid document by something else: it is read or refused, nothing worse.
    @Test func randomlyDamagedDocumentsAreReadOrRefused() throws {
        let value = try JSONValue(parsing: Self.full)
        var refused = 0
        for _ in 0..<2000 {
            do throws(RuntimeSpecError) { _ = try RuntimeSpec(json: Self.damaged(value)) } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }

    private static func damaged(_ value: JSONValue) -> JSONValue {
        if Int.random(in: 0..<40) == 0 {
            return [.null, .bool(true), -1, "x", [], .object(JSONObject()), .double(1e300)].randomElement()
                ?? .null
        }
        switch value {
        case .array(let elements): return .array(elements.map(damaged))
        case .object(let object):
            var result = JSONObject()
            for (key, element) in object { result[key] = damaged(element) }
            return .object(result)
        default: return value
        }
    }
}
