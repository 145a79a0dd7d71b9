/// What a control group has used, in the kernel's units.
package struct CgroupStatistics: Sendable, Equatable {
    package var cpu = CPU()
    package var memory = Memory()
    package var pids = Pids()
    package var blockIO = BlockIO()

    package init() {}

    /// Times in nanoseconds.
    package struct CPU: Sendable, Equatable {
        package var usage: UInt64 = 0
        package var user: UInt64 = 0
        package var system: UInt64 = 0
        /// By CPU number; empty on version 2, which does not count it.
        package var perCPU: [UInt64] = []
        package var periods: UInt64 = 0
        package var throttledPeriods: UInt64 = 0
        package var throttledTime: UInt64 = 0
    }

    /// Bytes.
    package struct Memory: Sendable, Equatable {
        package var usage: UInt64 = 0
        /// Version 1, and version 2 from Linux 5.19 on.
        package var maximumUsage: UInt64 = 0
        /// Nil for no limit.
        package var limit: UInt64?
        package var failures: UInt64 = 0
        /// `memory.stat` as it is.
        package var details: [String: UInt64] = [:]
    }

    package struct Pids: Sendable, Equatable {
        package var current: UInt64 = 0
        /// Nil for no limit.
        package var limit: UInt64?
    }

    package struct BlockIO: Sendable, Equatable {
        package struct Entry: Sendable, Equatable {
            package var major: UInt64
            package var minor: UInt64
            /// `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total` on version 1; `read`, `write` on version 2.
            package var operation: String
            package var value: UInt64
        }

        package var serviceBytes: [Entry] = []
        package var serviced: [Entry] = []
    }
}
