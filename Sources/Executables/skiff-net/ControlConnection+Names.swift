import DNS
import JSONCodec
import LinuxKernel

/// Requests about names: `names`, `serve`, `update`, `end`, and their part of `sync`.
extension ControlConnection {
    private static let socketsPerResolver = 3

    /// The processes that are served, by container.
    var heldResolvers: JSONValue {
        var held = JSONObject()
        for (container, process) in names.held { held[container] = .integer(process) }
        return .object(held)
    }

    func changeNames(_ request: JSONValue) {
        for endpoint in strings(request["remove"]) { names.remove(endpoint: endpoint) }
        for value in request["set"]?.arrayValue ?? [] {
            guard let id = value["id"]?.stringValue, let network = value["network"]?.stringValue else {
                continue
            }
            names.set(
                NameTable.Endpoint(
                    id: id, network: network, networkName: value["networkName"]?.stringValue ?? "",
                    names: strings(value["names"]),
                    addresses: strings(value["addresses"]).compactMap(SocketAddress.parse)))
        }
    }

    /// - Returns: what went wrong, of several the last; the others are served
    func serve(_ list: [JSONValue]) -> String? {
        let needed = list.count * Self.socketsPerResolver
        guard needed <= sockets.count else {
            defer { sockets = [] }
            return "\(list.count) resolvers came with \(sockets.count) sockets"
        }
        let mine = Array(sockets.prefix(needed))
        sockets.removeFirst(needed)
        var failure: String?
        for (index, value) in list.enumerated() {
            guard let container = value["container"]?.stringValue,
                let process = value["process"]?.integerValue
            else {
                failure = "a resolver lacks its container or process"
                continue
            }
            let first = index * Self.socketsPerResolver
            let own = ResolverSockets(
                datagrams: mine[first], listener: mine[first + 1], process: mine[first + 2])
            do throws(SystemCallError) {
                try names.serve(container, process: process, own, settings(value))
            } catch {
                failure = "\(container): \(error)"
            }
        }
        return failure
    }

    func update(_ list: [JSONValue]) {
        for value in list {
            guard let container = value["container"]?.stringValue else { continue }
            names.update(container, settings(value))
        }
    }

    private func settings(_ value: JSONValue) -> ResolverSettings {
        var links: [String: String] = [:]
        for (alias, target) in value["links"]?.objectValue ?? JSONObject() {
            links[alias] = target.stringValue
        }
        return ResolverSettings(
            view: NameView(
                networks: strings(value["networks"]), links: links,
                isForwarding: value["forwarding"]?.boolValue ?? true),
            servers: strings(value["servers"]).compactMap { SocketAddress($0, port: 53) })
    }
}
