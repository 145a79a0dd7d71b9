import DockerAPI

/// Where answers differ by version, in one place. Each name says what is true from (or up to) that version.
extension APIVersion {
    /// `KernelMemory` and `KernelMemoryTCP` in host configurations and `info`; `Error: null` in `wait`.
    var hasKernelMemory: Bool { self < APIVersion(1, 42) }
    /// Attach, logs and exec say in their content type whether they are framed.
    var namesFraming: Bool { self >= APIVersion(1, 42) }
    /// Images without a tag have the tag `<none>:<none>`.
    var namesUntagged: Bool { self < APIVersion(1, 43) }
    /// `VirtualSize` of images.
    var hasVirtualSize: Bool { self < APIVersion(1, 44) }
    /// `DNSNames` of endpoints; `CDISpecDirs`; `status` of runtimes.
    var hasDNSNames: Bool { self >= APIVersion(1, 44) }
    /// A container's short id is among its aliases.
    var aliasesHoldShortID: Bool { self < APIVersion(1, 45) }
    /// `Container` and `ContainerConfig` of images.
    var hasImageContainer: Bool { self < APIVersion(1, 45) }
    /// Annotations in the list of containers.
    var listsAnnotations: Bool { self >= APIVersion(1, 46) }
    /// `EnableIPv4` of networks.
    var hasEnableIPv4: Bool { self >= APIVersion(1, 47) }
    /// `ImageManifestDescriptor` of containers, `Descriptor` of images, `GwPriority` of endpoints.
    var hasDescriptors: Bool { self >= APIVersion(1, 48) }
    /// A client may ask for networks without IPv4.
    var mayDisableIPv4: Bool { self >= APIVersion(1, 48) }
    /// `Expected` in the commits of `info`, and the lists of non-distributable artifacts.
    var hasExpectedCommits: Bool { self < APIVersion(1, 49) }
    /// The members of an image's `Config` that say nothing about an image; `BridgeNfIptables` in `info`.
    var hasLegacyImageConfig: Bool { self < APIVersion(1, 50) }
}
