@testable import Cgroups
import OCIModel
import Testing

struct ControllerTests {
    @Test func memoryWithSwapIsWrittenInTheOrderThatTheKernelTakes() throws {
        try ControlFiles.with([
            "memory.limit_in_bytes": "", "memory.memsw.limit_in_bytes": "9223372036854771712",
            "memory.swappiness": "",
            "memory.soft_limit_in_bytes": "",
        ]) { files in
            let memory = RuntimeMemory(limit: 1000, reservation: 500, swap: 3000, swappiness: 60)
            try MemoryController.apply(memory, v1: files.directory)
            #expect(files["memory.limit_in_bytes"] == "1000")
            // The old content is longer: plain files, unlike the kernel's, keep the rest.
            #expect(files["memory.memsw.limit_in_bytes"].hasPrefix("3000"))
            #expect(files["memory.soft_limit_in_bytes"] == "500" && files["memory.swappiness"] == "60")
        }
    }

    @Test func aSwapLimitWithoutSwapAccountingIsRefusedByName() throws {
        try ControlFiles.with(["memory.limit_in_bytes": ""]) { files in
            let error = #expect(throws: CgroupError.self) {
                try MemoryController.apply(RuntimeMemory(limit: 1000, swap: 2000), v1: files.directory)
            }
            #expect(error?.code == .unsupported && error?.message.contains("memory.memsw") == true)
        }
    }

    @Test func versionTwoCountsSwapAlone() throws {
        try ControlFiles.with(["memory.max": "", "memory.swap.max": "", "memory.low": ""]) { files in
            try MemoryController.apply(
                RuntimeMemory(limit: 1000, reservation: 10, swap: 3000), v2: files.directory)
            #expect(
                files["memory.max"] == "1000" && files["memory.swap.max"] == "2000"
                    && files["memory.low"] == "10")
        }
        #expect(try MemoryController.swapLimit(RuntimeMemory(limit: 5, swap: -1)) == "max")
        #expect(throws: CgroupError.self) {
            try MemoryController.swapLimit(RuntimeMemory(limit: 10, swap: 5))
        }
        #expect(throws: CgroupError.self) { try MemoryController.swapLimit(RuntimeMemory(swap: 5)) }
    }

    @Test(
        arguments: [(2, 1), (1024, 39), (262_144, 10_000), (0, 1), (UInt64.max, 10_000)] as [(UInt64, UInt64)]
    )
    func sharesBecomeWeights(_ shares: UInt64, _ weight: UInt64) {
        #expect(CPUController.weight(shares: shares) == weight)
    }

    @Test func bandwidthKeepsWhatIsNotGiven() {
        var cpu = RuntimeCPU()
        cpu.quota = 50_000
        #expect(CPUController.maximum(cpu, current: "max 200000") == "50000 200000")
        cpu.quota = -1
        cpu.period = 1000
        #expect(CPUController.maximum(cpu, current: "") == "max 1000")
    }

    @Test func deviceRulesAreWrittenAsTheKernelReadsThem() {
        func lines(_ rule: RuntimeDeviceRule) -> [String] { DevicesController.v1Lines(rule) }
        #expect(lines(RuntimeDeviceRule(allow: false)) == ["a"])
        #expect(
            lines(RuntimeDeviceRule(allow: true, type: "c", major: 1, minor: 3, access: "rw")) == ["c 1:3 rw"]
        )
        #expect(lines(RuntimeDeviceRule(allow: true, type: "b", access: "m")) == ["b *:* m"])
        // "a" would mean everything, whatever stands behind it.
        #expect(lines(RuntimeDeviceRule(allow: true, type: "a", major: 5)) == ["b 5:* rwm", "c 5:* rwm"])
        #expect(lines(RuntimeDeviceRule(allow: true, type: "c", access: "")).isEmpty)
    }

    @Test func listsWithoutABeginningDenyWhatTheyDoNotName() throws {
        try ControlFiles.with(["devices.allow": "", "devices.deny": ""]) { files in
            let rule = RuntimeDeviceRule(allow: true, type: "c", major: 1, minor: 3, access: "rw")
            try DevicesController.apply([rule], v1: files.directory)
            #expect(files["devices.deny"] == "a" && files["devices.allow"] == "c 1:3 rw")
        }
    }

    @Test func blockCountersOfBothVersionsAreRead() {
        let entries = BlockIOController.v1Entries(
            "8:0 Read 4096\n8:0 Total 4096\nTotal 4096\nnonsense\n8:x Read 1")
        #expect(
            entries.map(\.operation) == ["Read", "Total"] && entries[0].major == 8 && entries[0].value == 4096
        )
        let (bytes, operations) = BlockIOController.v2Entries(
            "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5\n\nx y=1")
        #expect(bytes.map(\.value) == [1, 2] && operations.map(\.value) == [3, 4])
        #expect(bytes.map(\.operation) == ["read", "write"] && bytes[0].minor == 16)
    }

    @Test func classesAndPrioritiesOfPacketsAreWrittenAsTheKernelReadsThem() throws {
        try ControlFiles.with(["net_cls.classid": "", "net_prio.ifpriomap": ""]) { files in
            try NetworkClassController.apply(classID: 0x10_0001, files.directory)
            try NetworkClassController.apply(
                [RuntimeInterfacePriority(name: "eth0", priority: 5)], files.directory)
            #expect(files["net_cls.classid"] == "1048577" && files["net_prio.ifpriomap"] == "eth0 5")
            #expect(throws: CgroupError.self) {
                try NetworkClassController.apply(
                    [RuntimeInterfacePriority(name: "eth0 9\neth1", priority: 5)], files.directory)
            }
        }
    }

    @Test func aHugePageSizeCannotLeaveTheDirectory() throws {
        try ControlFiles.with([:]) { files in
            let error = #expect(throws: CgroupError.self) {
                try HugepageController.apply(
                    [RuntimeHugepageLimit(pageSize: "../x/2MB", limit: 1)], v1: files.directory)
            }
            #expect(error?.code == .invalidValue)
        }
    }

    @Test func countersOfVersionOneAreRead() throws {
        try ControlFiles.with([
            "memory.usage_in_bytes": "100\n", "memory.limit_in_bytes": "9223372036854771712\n",
            "memory.stat": "cache 1\nrss 2\nodd line here\n", "memory.failcnt": "3\n",
        ]) { files in
            var memory = CgroupStatistics.Memory()
            MemoryController.read(v1: files.directory, into: &memory)
            #expect(memory.usage == 100 && memory.limit == nil && memory.failures == 3)
            #expect(memory.details == ["cache": 1, "rss": 2])
        }
    }

    @Test func aGroupThatIsGoneIsReportedAsSuch() {
        let gone = CgroupDirectory(path: "/nonexistent/group")
        let error = #expect(throws: CgroupError.self) { try gone.write("memory.max", "1") }
        #expect(error?.code == .notFound)
    }
}
