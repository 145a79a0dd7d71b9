/// The flags that `run` and `create` share: everything about the container itself.
enum RunFlags {
    // MARK: What runs
    static let entrypoint = Flag("entrypoint", .string, "Run this in place of the image's entry point")
    static let workdir = Flag("workdir", "w", .string, "Folder in the container that the command starts in")
    static let user = Flag("user", "u", .string, "User to run as (format: <name|uid>[:<group|gid>])")
    static let groupAdd = Flag("group-add", .list, "Further group to run with")
    static let env = Flag(
        "env", "e", .list, "Set a variable of the environment", check: FlagCheck.environment)
    static let envFile = Flag("env-file", .list, "Read variables of the environment from a file")
    static let tty = Flag("tty", "t", .bool, "Give the command a terminal")
    static let interactive = Flag("interactive", "i", .bool, "Keep standard input open, attached or not")
    static let attach = Flag(
        "attach", "a", .list, "Attach to STDIN, STDOUT or STDERR", check: FlagCheck.stream)
    static let initProcess = Flag(
        "init", .bool, "Run a small init inside that forwards signals and reaps processes")
    static let stopSignal = Flag("stop-signal", .string, "Signal that stops the container")
    static let stopTimeout = Flag("stop-timeout", .int, "Seconds to wait for a stop before killing")

    // MARK: Name and record
    static let name = Flag("name", .string, "Name of the container")
    static let label = Flag("label", "l", .list, "Set a label", check: FlagCheck.label)
    static let labelFile = Flag("label-file", .list, "Read labels from a file, one a line")
    static let annotation = Flag("annotation", .map, "Add an annotation, which is passed to the OCI runtime")
    static let cidfile = Flag("cidfile", .string, "Write the container's ID to this file")
    static let platform = Flag("platform", .string, "Platform of the image, where the daemon has several")
    static let pull = Flag(
        "pull", .string, "Pull the image first (\"always\", \"missing\", \"never\")", initial: "missing")
    static let quiet = Flag("quiet", "q", .bool, "Print nothing while pulling")
    static let remove = Flag("rm", .bool, "Remove the container and its anonymous volumes when it exits")
    static let restart = Flag(
        "restart", .string, "When to start the container again after it exits", initial: "no")
    static let disableContentTrust = Flag(
        "disable-content-trust", .bool, "Do not verify the image's signature", initial: "true", hidden: true)
    static let useAPISocket = Flag(
        "use-api-socket", .bool, "Give the container the engine's socket", hidden: true)

    // MARK: Files
    static let volume = Flag("volume", "v", .list, "Mount a folder of the host or a volume")
    static let volumesFrom = Flag("volumes-from", .list, "Mount what these containers have mounted")
    static let volumeDriver = Flag(
        "volume-driver", .string, "Driver of volumes that are made for the container")
    static let mount = Flag(
        "mount", .mount, "Mount a folder, volume or memory file system", check: FlagCheck.mount)
    static let tmpfs = Flag("tmpfs", .list, "Mount a memory file system")
    static let readOnly = Flag("read-only", .bool, "Make the container's root file system read-only")
    static let storageOption = Flag("storage-opt", .list, "Option of the storage driver for this container")
    static let shmSize = Flag("shm-size", .bytes, "Size of /dev/shm")

    // MARK: Network
    static let network = Flag(
        "network", .network, "Connect the container to a network", check: FlagCheck.network)
    static let net = Flag(
        "net", .network, "Connect the container to a network", hidden: true, standsFor: "network",
        check: FlagCheck.network)
    static let networkAlias = Flag("network-alias", .list, "Further name of the container in the network")
    static let netAlias = Flag(
        "net-alias", .list, "Further name in the network", hidden: true, standsFor: "network-alias")
    static let publish = Flag("publish", "p", .list, "Publish a port of the container on the host")
    static let publishAll = Flag(
        "publish-all", "P", .bool, "Publish every exposed port on a free port of the host")
    static let expose = Flag("expose", .list, "Expose a port or a range of ports")
    static let hostname = Flag("hostname", "h", .string, "Host name inside the container")
    static let domainname = Flag("domainname", .string, "Domain name inside the container")
    static let ip = Flag("ip", .ip, "IPv4 address (such as 172.30.100.104)")
    static let ip6 = Flag("ip6", .ip, "IPv6 address (such as 2001:db8::33)")
    static let linkLocalIP = Flag(
        "link-local-ip", .list, "Link-local address of the container", check: FlagCheck.address)
    static let macAddress = Flag("mac-address", .string, "MAC address (such as 92:d0:c6:0a:29:33)")
    static let addHost = Flag(
        "add-host", .list, "Add a host name with its address (host:ip)", check: FlagCheck.extraHost)
    static let dns = Flag("dns", .list, "Ask this DNS server", check: FlagCheck.address)
    static let dnsOption = Flag("dns-option", .list, "Set an option of the resolver")
    static let dnsOpt = Flag(
        "dns-opt", .list, "Set an option of the resolver", hidden: true, standsFor: "dns-option")
    static let dnsSearch = Flag(
        "dns-search", .list, "Search names in this domain", check: FlagCheck.searchDomain)
    static let link = Flag("link", .list, "Link to another container", check: FlagCheck.link)

    // MARK: Namespaces and security
    static let pid = Flag("pid", .string, "PID namespace to use")
    static let ipc = Flag("ipc", .string, "IPC mode to use")
    static let uts = Flag("uts", .string, "UTS namespace to use")
    static let userns = Flag("userns", .string, "User namespace to use")
    static let cgroupns = Flag(
        "cgroupns", .string, "Cgroup namespace to use (host|private); empty for the daemon's default")
    static let cgroupParent = Flag("cgroup-parent", .string, "Parent of the container's cgroup")
    static let privileged = Flag("privileged", .bool, "Lift the container's restrictions")
    static let capAdd = Flag("cap-add", .list, "Add a Linux capability")
    static let capDrop = Flag("cap-drop", .list, "Drop a Linux capability")
    static let securityOption = Flag("security-opt", .list, "Set a security option")
    static let sysctl = Flag(
        "sysctl", .map, "Set a kernel parameter of the container's namespaces", check: FlagCheck.sysctl)
    static let runtime = Flag("runtime", .string, "OCI runtime to use")
    static let isolation = Flag("isolation", .string, "How the container is isolated")

    static let all: [Flag] = process + identity + files + networking + confinement + ResourceFlags.all

    private static let process = [
        entrypoint, workdir, user, groupAdd, env, envFile, tty, interactive, attach, initProcess, stopSignal,
        stopTimeout,
    ]
    private static let identity = [
        name, label, labelFile, annotation, cidfile, platform, pull, quiet, remove, restart,
        disableContentTrust,
        useAPISocket,
    ]
    private static let files = [
        volume, volumesFrom, volumeDriver, mount, tmpfs, readOnly, storageOption, shmSize,
    ]
    private static let networking = [
        network, net, networkAlias, netAlias, publish, publishAll, expose, hostname, domainname, ip, ip6,
        linkLocalIP,
        macAddress, addHost, dns, dnsOption, dnsOpt, dnsSearch, link,
    ]
    private static let confinement = [
        pid, ipc, uts, userns, cgroupns, cgroupParent, privileged, capAdd, capDrop, securityOption, sysctl,
        runtime,
        isolation,
    ]
}
