extension MountSpec {
    /// What can be said of mounts without a look at the host, in Docker's words.
    func validate() throws(EngineError) {
        guard shmSize >= 0 else { throw .invalid("SHM size can not be less than 0") }
        for text in volumesFrom { _ = try VolumesFromText(parsing: text) }
        for (target, options) in tmpfs.sorted(by: { $0.key < $1.key }) {
            try TmpfsOptions.check(options)
            try Self.checkTarget(target) { .invalid($0) }
        }
        for request in requests { try request.validate() }
        var targets: Set<String> = []
        for target in binds.map(\.target) + requests.map(\.target) + tmpfs.keys.sorted() {
            guard targets.insert(cleanPath(target)).inserted else {
                throw .invalid("Duplicate mount point: \(target)")
            }
        }
    }

    static func checkTarget(
        _ target: String, _ refusal: (String) -> EngineError
    ) throws(EngineError) {
        if target.hasPrefix("/"), cleanPath(target) == "/" {
            throw refusal("invalid specification: destination can't be '/'")
        }
        guard target.hasPrefix("/") else {
            throw refusal("invalid mount path: '\(target)' mount path must be absolute")
        }
    }
}

extension MountRequest {
    /// The type's name in the API.
    package var typeName: String {
        switch kind {
        case .bind: "bind"
        case .volume: "volume"
        case .tmpfs: "tmpfs"
        case .image: "image"
        }
    }

    func refusal(_ reason: String) -> EngineError {
        .invalid("invalid mount config for type \"\(typeName)\": \(reason)")
    }

    func validate() throws(EngineError) {
        if target.isEmpty { throw refusal("field Target must not be empty") }
        try MountSpec.checkTarget(target, refusal)
        switch kind {
        case .bind(let bind): try validate(bind)
        case .volume(let volume):
            if volume.name.isEmpty, isReadOnly {
                throw refusal("must not set ReadOnly mode when using anonymous volumes")
            }
            if !volume.name.isEmpty, !VolumeName.isValid(volume.name) {
                throw VolumeName.refusal(volume.name)
            }
            try validate(subpath: volume.subpath)
        case .tmpfs(let tmpfs):
            for option in tmpfs.options ?? [] {
                guard (1...2).contains(option.count) else { throw refusal("invalid option array length") }
                guard ["exec", "noexec"].contains(option[0]) else {
                    throw refusal("invalid option: \(option[0])")
                }
            }
        case .image(let image):
            if image.image.isEmpty { throw refusal("field Source must not be empty") }
            try validate(subpath: image.subpath)
        }
        if mapsOwner == true {
            switch kind {
            case .bind, .volume: break
            case .tmpfs, .image: throw refusal("field IDMap must not be specified")
            }
        }
    }

    private func validate(_ bind: BindMount) throws(EngineError) {
        if bind.source.isEmpty { throw refusal("field Source must not be empty") }
        guard bind.source.hasPrefix("/") else {
            throw refusal("invalid mount path: '\(bind.source)' mount path must be absolute")
        }
        if bind.readOnlyNonRecursive, !isReadOnly {
            throw .invalid("mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive")
        }
        if bind.readOnlyForceRecursive, !isReadOnly {
            throw .invalid("mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive")
        }
        if bind.readOnlyNonRecursive, bind.readOnlyForceRecursive {
            throw .invalid(
                "mount options conflict: ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive")
        }
    }

    /// A path that leads nowhere but down. What it leads to is looked up at the start, without leaving the volume.
    private func validate(subpath: String) throws(EngineError) {
        if subpath.isEmpty { return }
        var depth = 0
        for part in subpath.split(separator: "/") {
            depth += part == ".." ? -1 : part == "." ? 0 : 1
            if depth < 0 { break }
        }
        guard !subpath.hasPrefix("/"), depth >= 0 else {
            throw refusal("subpath must be a relative path within the \(typeName)")
        }
    }
}

extension TmpfsMount {
    /// The options for the kernel.
    func text(readOnly: Bool) -> String {
        var result = readOnly ? ["ro"] : []
        if mode != 0 { result.append("mode=\(String(mode, radix: 8))") }
        if sizeBytes != 0 { result.append("size=\(sizeBytes)") }
        result += (options ?? []).map { $0.joined(separator: "=") }
        return result.joined(separator: ",")
    }
}
