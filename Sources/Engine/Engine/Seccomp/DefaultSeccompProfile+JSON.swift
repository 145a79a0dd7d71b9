package import JSONCodec

extension DefaultSeccompProfile {
    /// The profile in the form that Docker's `--security-opt seccomp=FILE` takes.
    package static var json: JSONValue {
        [
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": 38,
            "archMap": [
                [
                    "architecture": "SCMP_ARCH_X86_64",
                    "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                ],
                ["architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]],
            ],
            "syscalls": .array(
                [rule(allowed), rule(forbidden, errno: 1)] + personalities.map(personality) + [vsockRefusal]
                    + capabilityRules + cloneRules),
        ]
    }

    private static func rule(_ names: [String], errno: Int64? = nil) -> JSONValue {
        var rule: JSONObject = JSONObject()
        rule["names"] = .array(names.map(JSONValue.string))
        rule["action"] = errno == nil ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO"
        if let errno { rule["errnoRet"] = .integer(errno) }
        return .object(rule)
    }

    private static func personality(_ value: Int64) -> JSONValue {
        [
            "names": ["personality"], "action": "SCMP_ACT_ALLOW",
            "args": [["index": 0, "value": .integer(value), "op": "SCMP_CMP_EQ"]],
        ]
    }

    /// Sockets of the address family 40 reach the hypervisor, whatever the network namespace is.
    private static var vsockRefusal: JSONValue {
        [
            "names": ["socket"], "action": "SCMP_ACT_ALLOW",
            "args": [["index": 0, "value": 40, "op": "SCMP_CMP_NE"]],
        ]
    }

    private static var capabilityRules: [JSONValue] {
        // A call that two capabilities allow is forbidden only where both are missing.
        var holders: [String: [String]] = [:]
        for (capability, calls) in byCapability {
            for call in calls { holders[call, default: []].append(capability) }
        }
        let allowing = byCapability.map { capability, calls in
            gated(rule(calls), "includes", [capability])
        }
        // `clone` and `clone3` have rules of their own.
        let forbidding = holders.keys.sorted().filter { !$0.hasPrefix("clone") }.map { call in
            gated(rule([call], errno: 1), "excludes", holders[call] ?? [])
        }
        return allowing + forbidding
    }

    /// Without CAP_SYS_ADMIN: `clone` only without new namespaces; `clone3`, whose flags a filter cannot see, not at all.
    private static var cloneRules: [JSONValue] {
        let namespaces: Int64 = 0x7E02_0000
        let clone: JSONValue = [
            "names": ["clone"], "action": "SCMP_ACT_ALLOW",
            "args": [["index": 0, "value": .integer(namespaces), "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"]],
        ]
        return [
            gated(clone, "excludes", ["CAP_SYS_ADMIN"]),
            gated(rule(["clone3"], errno: 38), "excludes", ["CAP_SYS_ADMIN"]),
        ]
    }

    private static func gated(_ rule: JSONValue, _ key: String, _ capabilities: [String]) -> JSONValue {
        guard case .object(var object) = rule else { return rule }
        object[key] = ["caps": .array(capabilities.map(JSONValue.string))]
        return .object(object)
    }
}
