import OCIModel

extension ContainerSpec {
    /// Takes over what the image says and the request leaves open, as Docker merges the two configurations.
    /// - Throws: where an exposed port of the image is none, or where there is nothing to run
    mutating func complete(from image: ImageDefaults) throws(EngineError) {
        if process.user.isEmpty { process.user = image.user }
        if process.workingDirectory.isEmpty { process.workingDirectory = image.workingDirectory }
        completeCommand(image)
        completeEnvironment(image.environment)
        for (name, value) in image.labels where labels[name] == nil { labels[name] = value }
        for volume in image.volumes where !anonymousVolumes.contains(volume) {
            anonymousVolumes.append(volume)
        }
        for text in image.exposedPorts {
            guard let port = ContainerPort(text) else {
                throw .invalid("the image exposes \(text), which is no port")
            }
            if !exposedPorts.contains(port) { exposedPorts.append(port) }
        }
        for publication in network.publishedPorts where !exposedPorts.contains(publication.port) {
            exposedPorts.append(publication.port)
        }
        exposedPorts.sort()
        if stopSignal.isEmpty { stopSignal = image.stopSignal ?? "" }
        if let inherited = image.healthcheck { completeHealthcheck(inherited) }
        guard !(process.entrypoint ?? []).isEmpty || !(process.command ?? []).isEmpty else {
            throw .invalid("no command specified")
        }
    }

    private mutating func completeCommand(_ image: ImageDefaults) {
        if (process.entrypoint ?? []).isEmpty, (process.command ?? []).isEmpty {
            process.command = image.command
        }
        if process.entrypoint == nil {
            process.entrypoint = image.entrypoint
        } else if process.entrypoint == [""] || process.entrypoint == [] {
            process.entrypoint = nil
        }
    }

    /// What the request sets comes first; the image adds what it does not name.
    private mutating func completeEnvironment(_ image: [String]) {
        let named = Set(process.environment.map(Self.variableName))
        process.environment += image.filter { !named.contains(Self.variableName($0)) }
    }

    static func variableName(_ entry: String) -> Substring { entry.prefix { $0 != "=" } }

    private mutating func completeHealthcheck(_ image: ImageDefaults.Healthcheck) {
        var check = healthcheck ?? Healthcheck()
        if check.test.isEmpty { check.test = image.test ?? [] }
        if check.interval == 0 { check.interval = image.interval ?? 0 }
        if check.timeout == 0 { check.timeout = image.timeout ?? 0 }
        if check.startPeriod == 0 { check.startPeriod = image.startPeriod ?? 0 }
        if check.startInterval == 0 { check.startInterval = image.startInterval ?? 0 }
        if check.retries == 0 { check.retries = image.retries ?? 0 }
        healthcheck = check
    }

    /// Program and arguments of process 1.
    var arguments: [String] { (process.entrypoint ?? []) + (process.command ?? []) }
}
