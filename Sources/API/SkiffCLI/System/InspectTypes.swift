import GoTemplate

/// The Go types behind Docker's `inspect`, field by field in their order: what templates may name, and what an omitted
/// member is worth.
enum InspectTypes {
    typealias Field = GoStructure.Field

    /// Fields from a compact list: `Name:s` or `Name=JSONKey:s`. Types: s string, b bool, i integer, u unsigned, l list of
    /// strings, m map of strings, e map to empty structures, a anything; a capital letter is a pointer to it.
    static func fields(_ text: String) -> [Field] {
        text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map { word in
            let (name, type) = word.cut(":") ?? (String(word), "a")
            let (go, key) = name.cut("=") ?? (name, name)
            return Field(go, key: key, scalar(type))
        }
    }

    private static func scalar(_ letter: String) -> GoType {
        switch letter {
        case "s": .string
        case "b": .bool
        case "i": .int
        case "u": .unsigned
        case "l": .slice(.string)
        case "m": .map(.string)
        case "e": .map(.structure(GoStructure("struct {}", [])))
        case "S": .pointer(.string)
        case "B": .pointer(.bool)
        case "I": .pointer(.int)
        default: .any
        }
    }

    static func structure(_ name: String, _ text: String) -> GoType {
        .structure(GoStructure(name, fields(text)))
    }

    // MARK: Container

    static let container = GoStructure(
        "container.InspectResponse",
        fields("ID=Id:s Created:s Path:s Args:l") + [Field("State", .pointer(state))]
            + fields(
                """
                Image:s ResolvConfPath:s HostnamePath:s HostsPath:s LogPath:s Name:s RestartCount:i Driver:s Platform:s
                MountLabel:s ProcessLabel:s AppArmorProfile:s ExecIDs:l
                """)
            + [
                Field("HostConfig", .pointer(hostConfig)),
                Field("GraphDriver", structure("storage.DriverData", "Data:m Name:s")),
                Field("SizeRw", .pointer(.int)), Field("SizeRootFs", .pointer(.int)),
                Field("Mounts", .slice(mountPoint)), Field("Config", .pointer(config)),
                Field("NetworkSettings", .pointer(networkSettings)),
                Field("ImageManifestDescriptor", .pointer(.any)),
            ])

    private static let state: GoType = .structure(
        GoStructure(
            "container.State",
            fields(
                """
                Status:s Running:b Paused:b Restarting:b OOMKilled:b Dead:b Pid:i ExitCode:i Error:s StartedAt:s
                FinishedAt:s
                """) + [Field("Health", .pointer(health))]))

    private static let health: GoType = .structure(
        GoStructure(
            "container.Health",
            fields("Status:s FailingStreak:i") + [
                Field(
                    "Log",
                    .slice(
                        .pointer(
                            structure("container.HealthcheckResult", "Start:s End:s ExitCode:i Output:s"))))
            ]))

    private static let mountPoint = structure(
        "container.MountPoint", "Type:s Name:s Source:s Destination:s Driver:s Mode:s RW:b Propagation:s")

    private static let healthConfig = structure(
        "container.HealthConfig", "Test:l Interval:i Timeout:i StartPeriod:i StartInterval:i Retries:i")

    private static let config: GoType = .structure(
        GoStructure(
            "container.Config",
            fields(
                "Hostname:s Domainname:s User:s AttachStdin:b AttachStdout:b AttachStderr:b ExposedPorts:e")
                + fields("Tty:b OpenStdin:b StdinOnce:b Env:l Cmd:l") + [
                    Field("Healthcheck", .pointer(healthConfig))
                ]
                + fields(
                    "ArgsEscaped:b Image:s Volumes:e WorkingDir:s Entrypoint:l NetworkDisabled:b MacAddress:s"
                )
                + fields("OnBuild:l Labels:m StopSignal:s StopTimeout:I Shell:l")))

    // MARK: Network of a container

    private static let portMap: GoType = .map(
        .slice(structure("nat.PortBinding", "HostIP=HostIp:s HostPort:s")))

    private static let endpoint: GoType = .structure(
        GoStructure(
            "network.EndpointSettings",
            [
                Field(
                    "IPAMConfig",
                    .pointer(
                        structure("network.EndpointIPAMConfig", "IPv4Address:s IPv6Address:s LinkLocalIPs:l"))
                )
            ]
                + fields(
                    "Links:l Aliases:l MacAddress:s DriverOpts:m GwPriority:i NetworkID:s EndpointID:s Gateway:s"
                )
                + fields(
                    "IPAddress:s IPPrefixLen:i IPv6Gateway:s GlobalIPv6Address:s GlobalIPv6PrefixLen:i DNSNames:l"
                )))

    private static let networkSettings: GoType = .structure(
        GoStructure(
            "container.NetworkSettings",
            fields("Bridge:s SandboxID:s SandboxKey:s") + [Field("Ports", portMap)]
                + fields("HairpinMode:b LinkLocalIPv6Address:s LinkLocalIPv6PrefixLen:i")
                + [
                    Field("SecondaryIPAddresses", .slice(.any)),
                    Field("SecondaryIPv6Addresses", .slice(.any)),
                ]
                + fields(
                    "EndpointID:s Gateway:s GlobalIPv6Address:s GlobalIPv6PrefixLen:i IPAddress:s IPPrefixLen:i"
                )
                + fields("IPv6Gateway:s MacAddress:s") + [Field("Networks", .map(.pointer(endpoint)))]))
}
