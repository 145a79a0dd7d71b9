import GoTemplate

extension InspectTypes {
    static let hostConfig: GoType = .structure(
        GoStructure(
            "container.HostConfig", basics + namespaces + resources + fields("MaskedPaths:l ReadonlyPaths:l"))
    )

    private static let portMap: GoType = .map(
        .slice(structure("nat.PortBinding", "HostIP=HostIp:s HostPort:s")))

    private static let basics: [Field] =
        fields("Binds:l ContainerIDFile:s") + [
            Field("LogConfig", structure("container.LogConfig", "Type:s Config:m"))
        ]
        + fields("NetworkMode:s") + [Field("PortBindings", portMap)]
        + [Field("RestartPolicy", structure("container.RestartPolicy", "Name:s MaximumRetryCount:i"))]
        + fields("AutoRemove:b VolumeDriver:s VolumesFrom:l") + [Field("ConsoleSize", .slice(.unsigned))]
        + fields("Annotations:m CapAdd:l CapDrop:l CgroupnsMode:s")

    private static let namespaces: [Field] =
        fields(
            "DNS=Dns:l DNSOptions=DnsOptions:l DNSSearch=DnsSearch:l ExtraHosts:l GroupAdd:l IpcMode:s Cgroup:s Links:l"
        )
        + fields(
            "OomScoreAdj:i PidMode:s Privileged:b PublishAllPorts:b ReadonlyRootfs:b SecurityOpt:l StorageOpt:m"
        )
        + fields("Tmpfs:m UTSMode:s UsernsMode:s ShmSize:i Sysctls:m Runtime:s Isolation:s")

    private static let resources: [Field] =
        fields("CPUShares=CpuShares:i Memory:i NanoCPUs=NanoCpus:i CgroupParent:s BlkioWeight:u")
        + [
            Field(
                "BlkioWeightDevice", .slice(.pointer(structure("blkiodev.WeightDevice", "Path:s Weight:u")))),
            Field("BlkioDeviceReadBps", throttles), Field("BlkioDeviceWriteBps", throttles),
            Field("BlkioDeviceReadIOps", throttles), Field("BlkioDeviceWriteIOps", throttles),
        ]
        + fields("CPUPeriod=CpuPeriod:i CPUQuota=CpuQuota:i CPURealtimePeriod=CpuRealtimePeriod:i")
        + fields("CPURealtimeRuntime=CpuRealtimeRuntime:i CpusetCpus:s CpusetMems:s")
        + [
            Field(
                "Devices",
                .slice(
                    structure("container.DeviceMapping", "PathOnHost:s PathInContainer:s CgroupPermissions:s")
                ))
        ]
        + fields("DeviceCgroupRules:l") + [Field("DeviceRequests", .slice(.any))]
        + fields(
            "KernelMemory:i KernelMemoryTCP:i MemoryReservation:i MemorySwap:i MemorySwappiness:I OomKillDisable:B"
        )
        + fields("PidsLimit:I")
        + [Field("Ulimits", .slice(.pointer(structure("units.Ulimit", "Name:s Hard:i Soft:i"))))]
        + fields("CPUCount=CpuCount:i CPUPercent=CpuPercent:i IOMaximumIOps:u IOMaximumBandwidth:u")
        + [Field("Mounts", .slice(.any)), Field("Init", .pointer(.bool))]

    private static let throttles: GoType = .slice(
        .pointer(structure("blkiodev.ThrottleDevice", "Path:s Rate:u")))

    // MARK: Image

    static let image = GoStructure(
        "image.InspectResponse",
        fields("ID=Id:s RepoTags:l RepoDigests:l Parent:s Comment:s Created:s DockerVersion:s Author:s")
            + [Field("Config", .pointer(imageConfig))]
            + fields("Architecture:s Variant:s Os:s OsVersion:s Size:i VirtualSize:i")
            + [
                Field("GraphDriver", structure("storage.DriverData", "Data:m Name:s")),
                Field("RootFS", structure("image.RootFS", "Type:s Layers:l")),
                Field("Metadata", structure("image.Metadata", "LastTagTime:s")),
            ])

    private static let imageConfig: GoType = .structure(
        GoStructure(
            "dockerspec.DockerOCIImageConfig",
            fields(
                "User:s ExposedPorts:e Env:l Entrypoint:l Cmd:l Volumes:e WorkingDir:s Labels:m StopSignal:s")
                + fields("ArgsEscaped:b")
                + [
                    Field(
                        "Healthcheck",
                        .pointer(
                            structure(
                                "dockerspec.HealthcheckConfig",
                                "Test:l Interval:i Timeout:i StartPeriod:i StartInterval:i Retries:i")))
                ] + fields("OnBuild:l Shell:l")))

    // MARK: Network

    static let network = GoStructure(
        "network.Inspect",
        fields("Name:s ID=Id:s Created:s Scope:s Driver:s EnableIPv4:b EnableIPv6:b")
            + [
                Field(
                    "IPAM",
                    .structure(
                        GoStructure(
                            "network.IPAM",
                            fields("Driver:s Options:m") + [
                                Field(
                                    "Config",
                                    .slice(
                                        structure(
                                            "network.IPAMConfig",
                                            "Subnet:s IPRange:s Gateway:s AuxAddress=AuxiliaryAddresses:m")))
                            ])))
            ]
            + fields("Internal:b Attachable:b Ingress:b")
            + [Field("ConfigFrom", structure("network.ConfigReference", "Network:s"))]
            + fields("ConfigOnly:b")
            + [
                Field(
                    "Containers",
                    .map(
                        structure(
                            "network.EndpointResource",
                            "Name:s EndpointID:s MacAddress:s IPv4Address:s IPv6Address:s")))
            ]
            + fields("Options:m Labels:m") + [Field("Peers", .slice(.any)), Field("Services", .map(.any))])

    // MARK: Volume

    static let volume = GoStructure(
        "volume.Volume",
        [Field("ClusterVolume", .pointer(.any))]
            + fields("CreatedAt:s Driver:s Labels:m Mountpoint:s Name:s Options:m Scope:s")
            + [
                Field("Status", .map(.any)),
                Field("UsageData", .pointer(structure("volume.UsageData", "RefCount:i Size:i"))),
            ])
}
