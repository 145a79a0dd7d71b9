import Glibc
import LinuxKernel
import OCIModel

enum ResourceLimits {
    /// Numbers of getrlimit(2), the same on every architecture that Skiff runs on.
    private static let numbers: [String: Int32] = [
        "RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4,
        "RLIMIT_RSS": 5,
        "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10,
        "RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14,
        "RLIMIT_RTTIME": 15,
    ]

    static func apply(_ limits: [RuntimeRlimit]) throws(RuntimeError) {
        for limit in limits {
            guard let number = numbers[limit.type] else {
                throw RuntimeError(.invalidSpecification, "process.rlimits: unknown limit \(limit.type)")
            }
            do throws(SystemCallError) {
                try setResourceLimit(number, soft: limit.soft, hard: limit.hard, named: limit.type)
            } catch  where error.errno == EPERM {
                throw RuntimeError(
                    .permissionDenied,
                    "error setting rlimits: \(limit.type) cannot be raised to \(limit.hard): the "
                        + "hard limit of this machine's services is lower, and raising it needs CAP_SYS_RESOURCE",
                    errno: EPERM)
            } catch {
                throw RuntimeError(
                    .setupFailed,
                    "error setting rlimits: \(limit.type) \(limit.soft):\(limit.hard): \(error)",
                    errno: error.errno)
            }
        }
    }
}
