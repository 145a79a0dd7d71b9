import JSONCodec
import OCIModel
import OCIRuntime

/// `features`: what this runtime can do, as the specification's features document wants it ("features.md").
enum Features {
    static let version = "skiff-runtime version \(number)\nspec: \(RuntimeSpec.currentVersion)"
    private static let number = "0.1.0"

    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        guard words.isEmpty else { throw CommandError("features takes no arguments") }
        let strings = { (values: [String]) in JSONValue.array(values.map(JSONValue.string)) }
        let value: JSONValue = [
            "ociVersionMin": "1.0.0", "ociVersionMax": .string(RuntimeSpec.currentVersion),
            "hooks": strings([
                "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
            ]),
            "mountOptions": strings(ContainerConfiguration.mountOptionNames),
            "linux": [
                "namespaces": strings(["cgroup", "ipc", "mount", "network", "pid", "uts"]),
                "capabilities": strings(CapabilityNames.all),
                "cgroup": ["v1": true, "v2": true, "systemd": true, "systemdUser": false, "rdma": false],
                "seccomp": [
                    "enabled": true,
                    "actions": strings([
                        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
                        "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
                    ]),
                    "operators": strings([
                        "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
                        "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
                    ]),
                ],
                "apparmor": ["enabled": true], "selinux": ["enabled": false], "intelRdt": ["enabled": false],
            ],
            "annotations": ["org.skiff.runtime.version": .string(number)],
        ]
        try standardOutput(value.text(JSONValue.Style(indent: 2)))
        return 0
    }
}
