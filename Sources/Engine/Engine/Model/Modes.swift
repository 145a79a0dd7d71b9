/// A container's network. Texts are Docker's, as `HostConfig.NetworkMode` carries them.
package enum NetworkMode: Sendable, Hashable {
    /// `default`: the default bridge, without saying so.
    case standard
    case bridge, host, none
    /// Another container's network, by name or id; an id once created.
    case container(String)
    case named(String)

    package var text: String {
        switch self {
        case .standard: "default"
        case .bridge: "bridge"
        case .host: "host"
        case .none: "none"
        case .container(let reference): "container:\(reference)"
        case .named(let name): name
        }
    }

    /// Nil where the text names a container without saying which.
    package init?(_ text: String) {
        switch text {
        case "", "default": self = .standard
        case "bridge": self = .bridge
        case "host": self = .host
        case "none": self = .none
        default:
            if text == "container" { return nil }
            guard text.hasPrefix("container:") else {
                self = .named(text)
                return
            }
            let reference = text.dropFirst("container:".count)
            guard !reference.isEmpty else { return nil }
            self = .container(String(reference))
        }
    }

    package var isBridge: Bool { self == .standard || self == .bridge }
}

/// `HostConfig.IpcMode`.
package enum IPCMode: Sendable, Hashable {
    /// The daemon's default; replaced by it at create.
    case standard
    /// No /dev/shm at all.
    case none
    case `private`, shareable, host
    case container(String)

    package var text: String {
        switch self {
        case .standard: ""
        case .none: "none"
        case .private: "private"
        case .shareable: "shareable"
        case .host: "host"
        case .container(let reference): "container:\(reference)"
        }
    }

    package init?(_ text: String) {
        switch text {
        case "": self = .standard
        case "none": self = .none
        case "private": self = .private
        case "shareable": self = .shareable
        case "host": self = .host
        default:
            guard text.hasPrefix("container:"), text.utf8.count > "container:".utf8.count else { return nil }
            self = .container(String(text.dropFirst("container:".count)))
        }
    }
}

/// `HostConfig.PidMode`.
package enum PIDMode: Sendable, Hashable {
    case `private`, host
    case container(String)

    package var text: String {
        switch self {
        case .private: ""
        case .host: "host"
        case .container(let reference): "container:\(reference)"
        }
    }

    package init?(_ text: String) {
        switch text {
        case "": self = .private
        case "host": self = .host
        default:
            guard text.hasPrefix("container:"), text.utf8.count > "container:".utf8.count else { return nil }
            self = .container(String(text.dropFirst("container:".count)))
        }
    }
}

/// `HostConfig.UTSMode`.
package enum UTSMode: String, Sendable, Codable, Hashable {
    case `private` = ""
    case host
}

/// `HostConfig.UsernsMode`.
package enum UserNamespaceMode: String, Sendable, Codable, Hashable {
    case standard = ""
    case host
}

/// `HostConfig.CgroupnsMode`.
package enum CgroupNamespaceMode: String, Sendable, Codable, Hashable {
    case `private`, host
}

/// `HostConfig.RestartPolicy`.
package enum RestartPolicy: Sendable, Hashable, Codable {
    case no, always, unlessStopped
    /// `maximum` 0 is without limit.
    case onFailure(maximum: Int)

    package var name: String {
        switch self {
        case .no: "no"
        case .always: "always"
        case .unlessStopped: "unless-stopped"
        case .onFailure: "on-failure"
        }
    }

    package var maximumRetryCount: Int { if case .onFailure(let maximum) = self { maximum } else { 0 } }
}

/// Whether and how long a container's standard input stays open.
package enum StandardInput: String, Sendable, Codable, Hashable {
    case closed
    /// `OpenStdin`.
    case open
    /// `OpenStdin` and `StdinOnce`: closed when the first attached client leaves.
    case once
}

// MARK: Codable as Docker's text

extension NetworkMode: Codable {
    package init(from decoder: any Decoder) throws { self = try decodeText(decoder, NetworkMode.init) }
    package func encode(to encoder: any Encoder) throws { try encodeText(encoder, text) }
}

extension IPCMode: Codable {
    package init(from decoder: any Decoder) throws { self = try decodeText(decoder, IPCMode.init) }
    package func encode(to encoder: any Encoder) throws { try encodeText(encoder, text) }
}

extension PIDMode: Codable {
    package init(from decoder: any Decoder) throws { self = try decodeText(decoder, PIDMode.init) }
    package func encode(to encoder: any Encoder) throws { try encodeText(encoder, text) }
}

func decodeText<T>(_ decoder: any Decoder, _ parse: (String) -> T?) throws -> T {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = parse(text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "invalid \(T.self): \(text)")
    }
    return value
}

func encodeText(_ encoder: any Encoder, _ text: String) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
}
