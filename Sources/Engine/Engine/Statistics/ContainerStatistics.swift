package import Cgroups
import Glibc
import LinuxKernel
package import OCIModel

/// What a container uses, at one moment.
package struct ContainerStatistics: Sendable {
    package var id: String
    /// Without the slash.
    package var name: String
    /// nil for a container that does not run: there is nothing to measure.
    package var sample: StatisticsSample?
}

package struct StatisticsSample: Sendable {
    package var time: Timestamp
    package var group: CgroupStatistics
    /// Nanoseconds that all processors of the machine have spent, idle ones included.
    package var systemTime: UInt64
    package var processors: Int
    /// Bytes of the machine: what a container without a limit may use.
    package var machineMemory: UInt64
    /// By interface, without the loopback; empty where the network is the host's or none.
    package var interfaces: [InterfaceStatistics]
}

package struct InterfaceStatistics: Sendable, Hashable {
    package var name: String
    package var receivedBytes: UInt64
    package var receivedPackets: UInt64
    package var receiveErrors: UInt64
    package var receiveDropped: UInt64
    package var sentBytes: UInt64
    package var sentPackets: UInt64
    package var sendErrors: UInt64
    package var sendDropped: UInt64

    /// Reads `/proc/<pid>/net/dev`: two lines of titles, then `name: 8 numbers received 8 numbers sent`.
    static func parse(_ text: String) -> [InterfaceStatistics] {
        text.split(separator: "\n").dropFirst(2).compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let name = line[..<colon].drop { $0 == " " }
            let numbers = line[line.index(after: colon)...].split(separator: " ").compactMap { UInt64($0) }
            guard name != "lo", numbers.count >= 16 else { return nil }
            return InterfaceStatistics(
                name: String(name), receivedBytes: numbers[0], receivedPackets: numbers[1],
                receiveErrors: numbers[2], receiveDropped: numbers[3], sentBytes: numbers[8],
                sentPackets: numbers[9], sendErrors: numbers[10], sendDropped: numbers[11])
        }
    }
}

extension StatisticsSample {
    /// Reads the kernel's files. Blocks.
    /// - Throws: `CgroupError`, where the container has ended meanwhile
    init(_ group: any Cgroup, networkOf pid: Int32?) throws {
        time = .now
        self.group = try group.statistics()
        systemTime = Self.systemTime(HostFeatures.line("/proc/stat") ?? "")
        processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        machineMemory = UInt64(clamping: HostInformation.memory)
        interfaces = []
        if let pid, let bytes = try? readFile("/proc/\(pid)/net/dev", limit: 1 << 20) {
            interfaces = InterfaceStatistics.parse(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// The first line of /proc/stat, `cpu` and the ticks by kind; the guests' are in the users' already.
    static func systemTime(_ line: String) -> UInt64 {
        let ticks = line.split(separator: " ").dropFirst().prefix(7).compactMap { UInt64($0) }.reduce(0, +)
        return ticks * (1_000_000_000 / UInt64(max(1, sysconf(Int32(_SC_CLK_TCK)))))
    }
}

extension ContainerService {
    /// What the container uses now.
    package func statistics(_ reference: String) async throws -> ContainerStatistics {
        let container = try find(reference)
        var result = ContainerStatistics(id: container.id, name: container.name, sample: nil)
        guard let running = container.state.runningState else { return result }
        let paths = parts.configuration.cgroupPaths(
            parent: container.spec.cgroupParent, id: container.id, on: parts.cgroups)
        let (cgroups, pid) = (parts.cgroups, ownsNetwork(container) ? running.pid : nil)
        do {
            result.sample = try await parts.pool.run {
                // Without a group it has ended meanwhile.
                guard let path = try paths.first(where: { try cgroups.has($0) }) else { return nil }
                return try StatisticsSample(try cgroups.existing(path), networkOf: pid)
            }
        } catch  where !container.state.isRunning {
            // Ended while it was measured.
        }
        return result
    }

    private func ownsNetwork(_ container: Container) -> Bool {
        switch container.spec.network.mode {
        case .host, .none: false
        default: true
        }
    }

    /// Whether the container is still there: a stream of its statistics goes on.
    package func exists(_ id: String) -> Bool { (try? find(id)) != nil }

    /// Waits, as long as the client stays.
    /// - Throws: `CancellationError` where the task is cancelled before
    package func pause(milliseconds: Int64) async throws {
        let never = OneShot<Void>()
        _ = try await never.wait(milliseconds: milliseconds, on: parts.reactor)
    }
}
