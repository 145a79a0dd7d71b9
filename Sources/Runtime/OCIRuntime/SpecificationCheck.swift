import OCIModel

/// What a specification must and must not say, before anything is made: a flat list of small checks.
enum SpecificationCheck {
    static func check(_ configuration: ContainerConfiguration, _ plan: NamespacePlan) throws(RuntimeError) {
        let spec = configuration.spec
        try hasProcess(spec)
        try identifierIsPlain(configuration.id)
        try hostnameNeedsItsNamespace(spec, plan)
        try Sysctls.validate(spec.linux, privateKinds: plan.privateKinds)
        try labelsAreAbsent(spec)
        try terminalHasDevpts(configuration)
        try mappingsNeedUserNamespace(spec)
    }

    private static func hasProcess(_ spec: RuntimeSpec) throws(RuntimeError) {
        guard let process = spec.process else {
            throw RuntimeError(.invalidSpecification, "runtime specification: process is missing")
        }
        guard !process.args.isEmpty else {
            throw RuntimeError(.invalidSpecification, "process.args: there is no program to run")
        }
    }

    /// The id becomes part of paths.
    static func identifierIsPlain(_ id: String) throws(RuntimeError) {
        let allowed = id.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "_+-.".utf8.contains(byte)
            }
        }
        guard !id.isEmpty, allowed, id != ".", id != "..", id.utf8.count <= 1024 else {
            throw RuntimeError(
                .invalidSpecification, "container id \"\(id)\": only letters, digits and _ + - . are possible"
            )
        }
    }

    private static func hostnameNeedsItsNamespace(_ spec: RuntimeSpec, _ plan: NamespacePlan)
        throws(RuntimeError)
    {
        if spec.hostname ?? "" != "" || spec.domainname ?? "" != "", !plan.privateKinds.contains(.uts) {
            throw RuntimeError(
                .invalidSpecification, "unable to set hostname or domainname without a private UTS namespace")
        }
    }

    private static func labelsAreAbsent(_ spec: RuntimeSpec) throws(RuntimeError) {
        if let label = spec.linux.mountLabel, !label.isEmpty {
            throw RuntimeError(.unsupported, "linux.mountLabel is not built yet: remove label \(label)")
        }
    }

    private static func terminalHasDevpts(_ configuration: ContainerConfiguration) throws(RuntimeError) {
        guard case .console = configuration.streams else { return }
        let mounts = configuration.spec.mounts
        guard
            mounts.contains(where: {
                $0.type == "devpts" || ["/dev", "/dev/pts"].contains($0.destination) && $0.isBind
            })
        else {
            throw RuntimeError(.invalidSpecification, "process.terminal needs a devpts mount on /dev/pts")
        }
    }

    private static func mappingsNeedUserNamespace(_ spec: RuntimeSpec) throws(RuntimeError) {
        let linux = spec.linux
        guard linux.uidMappings.isEmpty, linux.gidMappings.isEmpty else {
            throw RuntimeError(
                .unsupported, "linux.uidMappings and gidMappings: user namespaces are not built yet")
        }
    }
}
