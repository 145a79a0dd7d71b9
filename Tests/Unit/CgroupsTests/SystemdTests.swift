import OCIModel
import Testing

@testable import Cgroups

struct SystemdTests {
    @Test(arguments: [
        ("system.slice:docker:abc", "system.slice", "docker-abc.scope", "/system.slice/docker-abc.scope"),
        (":skiff:a", "system.slice", "skiff-a.scope", "/system.slice/skiff-a.scope"),
        ("machine.slice::x", "machine.slice", "x.scope", "/machine.slice/x.scope"),
        ("-.slice:p:a", "-.slice", "p-a.scope", "/p-a.scope"),
        ("a-b-c.slice:p:a", "a-b-c.slice", "p-a.scope", "/a.slice/a-b.slice/a-b-c.slice/p-a.scope"),
    ])
    func aScopeIsFoundByItsSlice(text: String, slice: String, name: String, path: String) throws {
        let unit = try SystemdUnit(text)
        #expect(unit.slice == slice && unit.name == name && unit.path == path)
        #expect(try CgroupHost.location(text) == path)
    }

    @Test(arguments: [
        "system.slice:docker:", "foo:docker:a", ".slice:docker:a", "a--b.slice:p:a", "-a.slice:p:a",
        "a/b.slice:p:a",
        "system.slice:do cker:a", "system.slice:p:../x",
        "system.slice:p:" + String(repeating: "x", count: 260),
    ])
    func namesThatAreNoUnitsAreRefused(text: String) {
        let error = #expect(throws: CgroupError.self) { try SystemdUnit(text) }
        #expect(error?.code == .invalidPath)
    }

    @Test func pathsOfDirectoriesAreNotForSystemd() {
        #expect(!SystemdUnit.isMeant(by: "/a:b:c") && !SystemdUnit.isMeant(by: "a:b"))
        #expect(SystemdUnit.isMeant(by: "a.slice:b:c") && SystemdUnit.isMeant(by: "::c"))
    }

    @Test func versionOneHasNoSystemdDriver() {
        let host = CgroupHost(version: .v1, mounts: ["memory": "/sys/fs/cgroup/memory"])
        let error = #expect(throws: CgroupError.self) { try host.existing("system.slice:docker:a") }
        #expect(error?.code == .unsupported)
    }

    private func properties(_ resources: RuntimeResources) throws -> [String: DBusValue] {
        Dictionary(uniqueKeysWithValues: try UnitProperties.limits(resources).map { ($0.name, $0.value) })
    }

    @Test func limitsBecomeProperties() throws {
        var resources = RuntimeResources()
        var memory = RuntimeMemory()
        (memory.limit, memory.swap, memory.reservation) = (100, 300, 50)
        var cpu = RuntimeCPU()
        (cpu.shares, cpu.quota, cpu.period, cpu.cpus, cpu.mems) = (1024, 150_000, 100_000, "0-2,9", "0")
        (resources.memory, resources.cpu, resources.pidsLimit) = (memory, cpu, 7)
        let found = try properties(resources)
        #expect(found["MemoryMax"] == .uint64(100) && found["MemorySwapMax"] == .uint64(200))
        #expect(found["MemoryLow"] == .uint64(50) && found["TasksMax"] == .uint64(7))
        #expect(found["CPUWeight"] == .uint64(39) && found["CPUQuotaPerSecUSec"] == .uint64(1_500_000))
        #expect(found["CPUQuotaPeriodUSec"] == .uint64(100_000))
        #expect(found["AllowedCPUs"] == .bytes([0b111, 0b10]) && found["AllowedMemoryNodes"] == .bytes([1]))
    }

    @Test func noLimitIsInfinity() throws {
        var resources = RuntimeResources()
        var memory = RuntimeMemory()
        (memory.limit, memory.swap) = (-1, -1)
        (resources.memory, resources.pidsLimit) = (memory, -1)
        let found = try properties(resources)
        #expect(found["MemoryMax"] == .uint64(.max) && found["MemorySwapMax"] == .uint64(.max))
        #expect(found["TasksMax"] == .uint64(.max))
        #expect(try properties(RuntimeResources()).isEmpty)
    }

    @Test func quotasAreRoundedUpToWholeHundredths() {
        #expect(UnitProperties.quotaPerSecond(50_000, period: 100_000) == 500_000)
        #expect(UnitProperties.quotaPerSecond(1, period: 100_000) == 10_000)
        #expect(UnitProperties.quotaPerSecond(33_333, period: 100_000) == 340_000)
        #expect(UnitProperties.quotaPerSecond(-1, period: 100_000) == .max)
        #expect(UnitProperties.quotaPerSecond(.max, period: 1000) == .max)
    }

    @Test(arguments: ["x", "3-1", "1-2-3", "-1", "9999", "1,,x"])
    func listsThatAreNoneAreRefused(text: String) {
        #expect(throws: CgroupError.self) { try UnitProperties.mask(text) }
    }
}
