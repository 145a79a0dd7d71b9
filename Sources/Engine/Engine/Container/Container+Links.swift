import LinuxKernel
import Logging
import Networking

/// `--link` on the default bridge: what a container calls others, and where it finds them.
extension Container {
    /// The containers that this one is linked to, each with its alias. One that is gone took its link along; of two
    /// with the same alias the first counts.
    nonisolated var links: [(container: Container, alias: String)] {
        var links: [(container: Container, alias: String)] = []
        for text in spec.network.links {
            guard let names = try? Link.split(text), let target = try? parts.registry.find(names.name) else {
                continue
            }
            if !links.contains(where: { $0.alias == names.alias }) { links.append((target, names.alias)) }
        }
        return links
    }

    /// As `inspect` shows them: `/db:/web/alias`.
    nonisolated var linkTexts: [String] {
        let name = name
        return links.map { "/\($0.container.name):/\(name)/\($0.alias)" }
    }

    /// Lets the others be found by what this one calls them: `web/alias`.
    nonisolated func takeLinkNames() {
        let name = name
        for link in links where !parts.registry.take(link: "\(name)/\(link.alias)", to: link.container.id) {
            parts.logger.warning(
                "the name of a link is taken",
                metadata: ["container.id": "\(id)", "name": "\(name)/\(link.alias)"])
        }
    }

    nonisolated func releaseLinkNames() {
        let name = name
        for link in links { parts.registry.release(link: "\(name)/\(link.alias)") }
    }

    /// Forgets a link, for good; a running program's hosts file loses its line.
    fileprivate func unlink(_ alias: String) async throws {
        try await gate.run { try await self.unlinkNow(alias) }
    }

    /// With the gate held.
    private func unlinkNow(_ alias: String) async throws {
        guard let link = links.first(where: { $0.alias == alias }) else {
            throw EngineError.noSuchContainer("\(name)/\(alias)")
        }
        let left = try spec.network.links.filter { text throws(EngineError) in
            try Link.split(text).alias != alias
        }
        try await commit(.powerCut) { $0.changes.links = left }
        parts.registry.release(link: "\(name)/\(alias)")
        guard state.isRunning else { return }
        let (path, names) = (parts.paths(of: self).hosts, Link.names(of: link.container, alias: alias))
        try await parts.pool.run { try HostsLines.set(nil, of: names, in: path) }
    }

    /// Containers that are linked to this one, and go on while it starts again, learn its address. Nobody waits for it.
    nonisolated func tellLinkedContainers() {
        guard let address = progress.endpoints.first?.ipv4?.address else { return }
        let id = id
        for other in parts.registry.all where !other.definition.spec.network.links.isEmpty {
            guard other.state.isRunning else { continue }
            for link in other.links where link.container.id == id {
                let path = parts.paths(of: other).hosts
                let names = Link.names(of: self, alias: link.alias)
                let tell: @Sendable () -> Void = { [self] in
                    do {
                        try HostsLines.set(.v4(address), of: names, in: path)
                    } catch {
                        log("cannot tell a linked container of a new address", error)
                    }
                }
                parts.pool.submit(tell)
            }
        }
    }
}

extension ContainerService {
    /// `rm --link web/db`: the container stays, what `web` calls it goes.
    package func removeLink(_ reference: String) async throws {
        _ = try find(reference)
        let name = reference.hasPrefix("/") ? String(reference.dropFirst()) : reference
        guard let slash = name.lastIndex(of: "/") else {
            throw EngineError(
                .wrongState, "Conflict, cannot remove the default link name of the container")
        }
        let (owner, alias) = (String(name[..<slash]), String(name[name.index(after: slash)...]))
        try await find(owner).unlink(alias)
    }
}
