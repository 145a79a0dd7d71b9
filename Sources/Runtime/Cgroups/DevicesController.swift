import OCIModel

/// Which devices a group's processes may open and make.
enum DevicesController {
    /// Rules are written in their order, each into `devices.allow` or `devices.deny`.
    static func apply(_ rules: [RuntimeDeviceRule], v1 directory: CgroupDirectory) throws(CgroupError) {
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

    static func apply(_ rules: [RuntimeDeviceRule], v2 directory: CgroupDirectory) throws(CgroupError) {
        if rules.last.map({ $0.allow && $0.type == "a" && $0.major == nil && $0.minor == nil }) == true {
            return
        }
        throw CgroupError(
            .unsupported, "device rules on control groups version 2 are not built yet")
    }
}
