extension OptionKey {
    private static let swarm = "swarm mode is not built"
    private static let containerdReason = "Skiff runs without containerd"
    private static let plugins = "plugins are not built"

    /// Keys that dockerd knows and this version does nothing with.
    static let unbuilt = [
        OptionKey(refused: "allow-direct-routing", .bool, "it is not built yet"),
        OptionKey(refused: "authorization-plugins", .strings, flag: "authorization-plugin", plugins),
        OptionKey(refused: "bip6", .string, "use fixed-cidr-v6"),
        OptionKey(refused: "bridge-accept-fwmark", .string, "it is not built yet"),
        OptionKey(refused: "builder", .object, "building images is not built yet"),
        OptionKey(
            refused: "cdi-spec-dirs", .strings, flag: "cdi-spec-dir", "device requests are not built yet"),
        OptionKey(refused: "containerd", .string, containerdReason),
        OptionKey(refused: "containerd-namespace", .string, containerdReason),
        OptionKey(refused: "containerd-plugin-namespace", .string, containerdReason),
        OptionKey(refused: "cpu-rt-period", .integer, "it is not built yet"),
        OptionKey(refused: "cpu-rt-runtime", .integer, "it is not built yet"),
        OptionKey(refused: "cri-containerd", .bool, containerdReason),
        OptionKey(refused: "default-gateway-v6", .string, "it is not built yet"),
        OptionKey(refused: "default-init", .string, "use init and init-path"),
        OptionKey(refused: "default-network-opts", .object, "user-defined networks are not built yet"),
        OptionKey(refused: "features", .object, "Skiff has no features to switch"),
        OptionKey(refused: "host-gateway-ip", .string, "it is not built yet"),
        OptionKey(refused: "host-gateway-ips", .strings, "it is not built yet"),
        OptionKey(
            refused: "ip-forward-no-drop", .bool, "Skiff never drops what it does not forward for containers"),
        OptionKey(refused: "metrics-addr", .string, "metrics are not built yet"),
        OptionKey(refused: "min-api-version", .string, "every version from 1.24 on is served"),
        OptionKey(refused: "network-control-plane-mtu", .integer, swarm),
        OptionKey(refused: "network-diagnostic-port", .integer, swarm),
        OptionKey(refused: "node-generic-resources", .strings, flag: "node-generic-resource", swarm),
        OptionKey(refused: "nri-opts", .object, plugins),
        OptionKey(refused: "resolv-conf", .string, "it is not built yet"),
        OptionKey(refused: "rootless", .bool, "the daemon needs root"),
        OptionKey(refused: "runtimes", .object, "other runtimes than Skiff's own are not built yet"),
        OptionKey(refused: "selinux-enabled", .bool, "SELinux is not supported"),
        OptionKey(refused: "swarm-default-advertise-addr", .string, swarm),
        OptionKey(refused: "swarm-raft-election-tick", .integer, swarm),
        OptionKey(refused: "swarm-raft-heartbeat-tick", .integer, swarm),
        OptionKey(refused: "userland-proxy-path", .string, "no proxy processes are needed"),
        OptionKey(refused: "userns-remap", .string, "it is not built yet"),
    ]
}
