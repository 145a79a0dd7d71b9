import Glibc
import LinuxKernel
import OCIModel

/// Which devices a group's processes may open and make.
enum DevicesController {
    /// Rules are written in their order, each into `devices.allow` or `devices.deny`.
    ///
    /// What no rule speaks of is denied: a list that does not begin with a rule for everything gets one.
    static func apply(_ given: [RuntimeDeviceRule], v1 directory: CgroupDirectory) throws(CgroupError) {
        let opens = given.first.map(isEverything) == true
        let rules = opens ? given : [RuntimeDeviceRule(allow: false)] + given
        var index = rules.startIndex
        while index < rules.endIndex {
            let allow = rules[index].allow
            var lines: [String] = []
            while index < rules.endIndex, rules[index].allow == allow {
                lines += v1Lines(rules[index])
                index += 1
            }
            try directory.write(allow ? "devices.allow" : "devices.deny", eachOf: lines)
        }
    }

    /// The kernel takes `a` as everything, whatever stands behind it.
    static func v1Lines(_ rule: RuntimeDeviceRule) -> [String] {
        if rule.access.isEmpty { return [] }
        if rule.type == "a", rule.major == nil, rule.minor == nil, Set(rule.access) == Set("rwm") {
            return ["a"]
        }
        let numbers =
            "\(rule.major.map(String.init) ?? "*"):\(rule.minor.map(String.init) ?? "*") \(rule.access)"
        return rule.type == "a" ? ["b \(numbers)", "c \(numbers)"] : ["\(rule.type) \(numbers)"]
    }

    /// A program that the kernel asks; the rules of the groups above hold as well.
    static func apply(_ rules: [RuntimeDeviceRule], v2 directory: CgroupDirectory) throws(CgroupError) {
        if rules.last.map({ $0.allow && isEverything($0) }) == true { return }
        do throws(SystemCallError) {
            let group = try openFile(directory.path, O_RDONLY | O_DIRECTORY)
            try replaceDeviceProgram(DeviceProgram(rules).instructions, on: group.rawValue)
        } catch  where error.errno == EINVAL || error.errno == ENOSYS {
            throw CgroupError(
                .unsupported,
                "device rules: this kernel has no programs for control groups (CONFIG_CGROUP_BPF)",
                cause: error)
        } catch {
            throw directory.failure(error, "cannot set device rules")
        }
    }

    static func isEverything(_ rule: RuntimeDeviceRule) -> Bool {
        rule.type == "a" && rule.major == nil && rule.minor == nil && Set(rule.access) == Set("rwm")
    }
}
