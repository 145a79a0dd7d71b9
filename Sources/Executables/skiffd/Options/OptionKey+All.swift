extension OptionKey {
    static let all = general + encryption + containers + logging + network + registries + unbuilt

    private static let general = [
        OptionKey(
            "hosts", .strings, flag: "host", short: "H",
            "Socket to listen on: unix://PATH, tcp://ADDRESS:PORT, fd://"),
        OptionKey("data-root", .string, "Folder of the durable state (/var/lib/skiff)"),
        OptionKey("exec-root", .string, "Folder of what ends with the machine (/run/skiff)"),
        OptionKey("pidfile", .string, short: "p", "File for the daemon's process id (EXEC-ROOT/skiffd.pid)"),
        OptionKey("debug", .bool, short: "D", reloadable: true, "Log everything"),
        OptionKey(
            "log-level", .string, short: "l", reloadable: true, "debug, info, warn, error or fatal (info)"),
        OptionKey("log-format", .string, "Form of the daemon's own log: text or json (text)"),
        OptionKey("raw-logs", .bool, "Log without colours, which Skiff always does"),
        OptionKey(
            "group", .string, short: "G", "Group that may use unix sockets (docker, where there is one)"),
        OptionKey("labels", .strings, flag: "label", reloadable: true, "Label of this daemon, NAME=VALUE"),
        OptionKey(
            "shutdown-timeout", .integer, reloadable: true, "Seconds that requests have to end in (10)"),
        OptionKey("experimental", .bool, "Report the daemon as experimental"),
        OptionKey(
            "storage-driver", .string, short: "s",
            "overlay2, or vfs, which copies images (overlay2 where the file system carries it)"),
        OptionKey(
            "storage-opts", .strings, flag: "storage-opt",
            "overlay2.size=BYTES or vfs.size=BYTES: what a container's own layer may hold"),
        OptionKey(
            "storage-budget", .string,
            "Bytes that images may occupy (20g), or how full the file system may be (80%): beyond it the least recently used go"
        ),
        OptionKey("drop-in", .bool, "Take Docker's place: its socket, bridge docker0, cgroup parent docker"),
        OptionKey("instance", .string, "Name that tells the daemons of one host apart (from the data root)"),
    ]

    private static let encryption = [
        OptionKey("tls", .bool, "Encrypt the API on TCP; implied by --tlsverify"),
        OptionKey("tlsverify", .bool, "Encrypt it, and let in who has a certificate of --tlscacert"),
        OptionKey("tlscacert", .string, "Authorities of clients' certificates, PEM (~/.docker/ca.pem)"),
        OptionKey("tlscert", .string, "Certificate of the daemon, PEM (~/.docker/cert.pem)"),
        OptionKey("tlskey", .string, "Key of the daemon's certificate, PEM (~/.docker/key.pem)"),
    ]

    private static let containers = [
        OptionKey("cgroup-parent", .string, "Parent control group of containers (skiff, or system.slice)"),
        OptionKey(
            "exec-opts", .strings, flag: "exec-opt", "native.cgroupdriver=systemd or cgroupfs (the host's)"),
        OptionKey("default-cgroupns-mode", .string, "Cgroup namespace of containers: host or private"),
        OptionKey("default-ipc-mode", .string, "IPC of containers: private or shareable (private)"),
        OptionKey("default-shm-size", .bytes, "Size of /dev/shm (64m)"),
        OptionKey("default-stop-timeout", .integer, "Seconds between the stop signal and SIGKILL (10)"),
        OptionKey(
            "default-ulimits", .ulimits, flag: "default-ulimit", "Limit of containers, NAME=SOFT[:HARD]"),
        OptionKey("default-runtime", .string, "runc, by which name clients know Skiff's own"),
        OptionKey("init", .bool, "Run an init in every container"),
        OptionKey("init-path", .string, "The init that --init runs"),
        OptionKey("live-restore", .bool, "Containers outlive the daemon; always so"),
        OptionKey("no-new-privileges", .bool, "Set no_new_privs in every container"),
        OptionKey("seccomp-profile", .string, "File of the default seccomp profile, builtin or unconfined"),
    ]

    private static let logging = [
        OptionKey("log-driver", .string, "Default driver of containers' logs (json-file)"),
        OptionKey("log-opts", .map, flag: "log-opt", "Default option of containers' logs, NAME=VALUE"),
    ]

    private static let network = [
        OptionKey("bridge", .string, short: "b", "Default bridge (skiff0); none for no bridge network"),
        OptionKey("bip", .string, "Address of the default bridge, as 172.17.0.1/16"),
        OptionKey("fixed-cidr", .string, "Part of the default bridge's subnet for containers"),
        OptionKey("fixed-cidr-v6", .string, "IPv6 subnet of the default bridge"),
        OptionKey("default-gateway", .string, "Gateway of containers on the default bridge"),
        OptionKey(
            "default-address-pools", .pools, flag: "default-address-pool",
            "Pool for subnets, base=CIDR,size=N"),
        OptionKey("mtu", .integer, "MTU of the default bridge (1500)"),
        OptionKey("icc", .bool, "Let containers of the default bridge reach each other (true)"),
        OptionKey("ip", .string, "Address on which ports are published by default (0.0.0.0)"),
        OptionKey("ip-forward", .bool, "Turn the kernel's forwarding on (true)"),
        OptionKey("ip-masq", .bool, "Masquerade what leaves the default bridge (true)"),
        OptionKey("iptables", .bool, "Add firewall rules (true)"),
        OptionKey("ip6tables", .bool, "Add firewall rules for IPv6; goes with iptables"),
        OptionKey("firewall-backend", .string, "nftables, the only one"),
        OptionKey("ipv6", .bool, "Give the default bridge IPv6"),
        OptionKey("userland-proxy", .bool, "Accepted; no process per port is needed either way"),
        OptionKey("dns", .strings, "DNS server of containers"),
        OptionKey("dns-opts", .strings, flag: "dns-opt", "DNS option of containers"),
        OptionKey("dns-search", .strings, "DNS search domain of containers"),
    ]

    private static let registries = [
        OptionKey(
            "insecure-registries", .strings, flag: "insecure-registry",
            "Registry, or network of such (CIDR), that needs no valid certificate"),
        OptionKey(
            "registry-mirrors", .strings, flag: "registry-mirror",
            "Mirror of the default registry, or HOST=URL for one of another registry"),
        OptionKey("max-concurrent-downloads", .integer, "Layers of one pull at the same time (6)"),
        OptionKey("max-concurrent-uploads", .integer, "Layers of one push at the same time (5)"),
        OptionKey("max-download-attempts", .integer, "Attempts without progress before a pull fails (5)"),
        OptionKey("keep-compressed-layers", .bool, "Keep layers compressed too, as they came (true)"),
        OptionKey("http-proxy", .string, "Proxy for registries without TLS (HTTP_PROXY)"),
        OptionKey("https-proxy", .string, "Proxy for registries with TLS (HTTPS_PROXY)"),
        OptionKey("no-proxy", .string, "Hosts that are reached directly (NO_PROXY)"),
        OptionKey("proxies", .object, "http-proxy, https-proxy and no-proxy in one object"),
    ]
}
