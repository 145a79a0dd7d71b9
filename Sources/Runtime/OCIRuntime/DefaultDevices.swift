package import OCIModel

extension RuntimeDeviceRule {
    /// What every container may use, whatever else is denied: the default devices of the specification, terminals, and
    /// making (not opening) any node. Runtimes add these behind the specification's own rules.
    package static let containerDefaults: [RuntimeDeviceRule] = [
        RuntimeDeviceRule(allow: true, type: "c", access: "m"),
        RuntimeDeviceRule(allow: true, type: "b", access: "m"),
        RuntimeDeviceRule(allow: true, type: "c", major: 1, minor: 3),  // null
        RuntimeDeviceRule(allow: true, type: "c", major: 1, minor: 5),  // zero
        RuntimeDeviceRule(allow: true, type: "c", major: 1, minor: 7),  // full
        RuntimeDeviceRule(allow: true, type: "c", major: 1, minor: 8),  // random
        RuntimeDeviceRule(allow: true, type: "c", major: 1, minor: 9),  // urandom
        RuntimeDeviceRule(allow: true, type: "c", major: 5, minor: 0),  // tty
        RuntimeDeviceRule(allow: true, type: "c", major: 5, minor: 1),  // console
        RuntimeDeviceRule(allow: true, type: "c", major: 5, minor: 2),  // ptmx
        RuntimeDeviceRule(allow: true, type: "c", major: 136),  // terminals' slaves
    ]
}

extension RuntimeResources {
    /// With `RuntimeDeviceRule.containerDefaults` where there are device rules at all, each once.
    package var allowingDefaultDevices: RuntimeResources {
        var result = self
        if devices.isEmpty || devices.contains(where: { $0.allow && $0.type == "a" && $0.major == nil }) {
            return result
        }
        result.devices += RuntimeDeviceRule.containerDefaults.filter { !devices.contains($0) }
        return result
    }
}
