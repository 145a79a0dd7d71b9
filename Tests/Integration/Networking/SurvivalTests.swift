import Glibc
import LinuxKernel
import Logging
import Networking
import Synchronization
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct SurvivalTests {
    private static let port = PortRequest(containerPort: 80, hostPorts: 8080...8080)

    @Test func aFlushedRulesetIsBackWithinASecond() throws {
        let host = try Host()
        let restorations = Counter()
        let instance = try host.start(
            host.configuration(),
            logger: Logger(label: "restorations") { _ in
                LoggedRestorations(count: { restorations.increase() })
            })
        let web = try instance.container("web", ports: [Self.port])
        for command in [
            "flush ruleset", "delete table inet sktest", "flush chain inet sktest publish",
            "flush map inet sktest published_any4",
        ] {
            try host.namespace.shell("nft \(command)")
            let clock = ContinuousClock()
            let start = clock.now
            // The forwarder serves meanwhile, under the bridge's address.
            while host.outside.ask(.tcp, Host.address, 8080, timeout: 0.2) != "web \(Host.outsideAddress)" {
                // A second on a quiet machine, which others may keep busy.
                try #require(clock.now - start < .seconds(10), "after \(command)")
            }
        }
        for _ in 0..<50 where restorations.value < 4 { usleep(20_000) }
        #expect(restorations.value >= 4)
        // Another program's tables are its own business.
        try host.namespace.shell("nft add table inet other")
        let before = restorations.value
        try host.namespace.shell("nft delete table inet other")
        usleep(100_000)
        #expect(restorations.value == before)
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func aChangeRightAfterAFlushWorks() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container("web", ports: [Self.port])
        for round in 0..<5 {
            try host.namespace.shell("nft flush ruleset")
            let more = try instance.container(
                "more", ports: [PortRequest(containerPort: 80, hostPorts: 9000...9000)])
            #expect(
                host.outside.askPatiently(.tcp, Host.address, 9000) == "more \(Host.outsideAddress)",
                "round \(round)")
            try host.namespace.shell("nft flush ruleset")
            try more.release()
            #expect(host.outside.askPatiently(.tcp, Host.address, 8080, seconds: 1) != nil)
        }
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func containersGoOnWithoutTheDaemonAndAreTakenBackByTheNext() throws {
        let host = try Host()
        let configuration = host.configuration()
        let first = try host.start(configuration)
        let web = try first.container("web", ports: [Self.port])
        let gone = try first.container(
            "gone", ports: [PortRequest(containerPort: 80, hostPorts: 9000...9000)])
        let id = first.controller.networks.map(\.id)
        try first.shutdown(removeAll: false)
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) == "web \(Host.outsideAddress)")
        #expect(host.namespace.askPatiently(.tcp, "::1", 8080)?.hasPrefix("web ") == true)
        #expect(host.outside.askPatiently(.tcp, Host.address, 9000) == "gone \(Host.outsideAddress)")

        let second = try host.start(configuration, existing: [web.endpoint])
        #expect(second.controller.networks.map(\.id) == id)
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) == "web \(Host.outsideAddress)")
        #expect(host.namespace.askPatiently(.tcp, "::1", 8080)?.hasPrefix("web ") == true)
        // Ports, address and interface of the one that ended meanwhile are free.
        #expect(host.outside.ask(.tcp, Host.address, 9000, timeout: 0.2) == nil)
        let next = try second.container(
            "next", ports: [PortRequest(containerPort: 80, hostPorts: 9000...9000)])
        #expect(next.address == gone.address)
        #expect(throws: NetworkError.self) { try second.allocate("late", ports: [Self.port]) }
        var links = ""
        for _ in 0..<100 {
            links = try host.namespace.shell("ip -o link show master skt0")
            if !links.contains(gone.endpoint.hostInterfaceName) { break }
            usleep(20_000)
        }
        #expect(links.contains(web.endpoint.hostInterfaceName))
        #expect(!links.contains(gone.endpoint.hostInterfaceName))
        try second.release(web.endpoint)
        try next.release()
        try second.shutdown(removeAll: true)
    }

    @Test func aForwarderThatDiesIsStartedAgain() throws {
        try #require(Host.forwarder != nil, "build the product skiff-net first")
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container("web", ports: [Self.port])
        #expect(host.outside.askPatiently(.tcp, Host.addressV6, 8080)?.hasPrefix("web ") == true)
        let process = try #require(host.forwarderProcess())
        kill(process, SIGKILL)
        #expect(host.outside.askPatiently(.tcp, Host.addressV6, 8080)?.hasPrefix("web ") == true)
        let next = try #require(host.forwarderProcess())
        #expect(next != process)
        try web.release()
        try instance.shutdown(removeAll: true)
        #expect(host.forwarderProcess() == nil)
    }

    @Test func nothingIsLeftAfterEverythingEnded() throws {
        let host = try Host()
        func trace() throws -> String {
            try host.namespace.shell(
                "ip -o link | sed 's/^[0-9]*: //'; ip -o address | cut -c4-; ip route; nft list ruleset; ss -Hlntu"
            )
        }
        let before = try trace()
        let instance = try host.start(host.configuration())
        #expect(
            try host.namespace.shell("nft list set inet sktest bridges").contains("elements = { \"skt0\" }"))
        for round in 0..<3 {
            let web = try instance.container("web\(round)", ports: [Self.port])
            _ = host.outside.askPatiently(.tcp, Host.addressV6, 8080)
            try web.release()
            try instance.host.namespace.run { instance.controller.removeInterface(of: web.endpoint) }
        }
        try instance.shutdown(removeAll: true)
        #expect(try trace() == before)
        #expect(host.forwarderProcess() == nil)
    }
}

final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increase() { count.withLock { $0 += 1 } }
}

/// Counts what tells of a restored table.
private struct LoggedRestorations: LogHandler {
    let count: @Sendable () -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if event.message.description.hasPrefix("restored the nftables table") { count() }
    }
}

extension Host {
    /// The forwarders whose control sockets lie in this host's folder.
    func forwarderProcesses() -> [pid_t] {
        let found = try? namespace.shell("ss -Hlxp | grep -F '\(folder)/' | grep -o 'pid=[0-9]*' || true")
        return (found ?? "").split(separator: "\n").compactMap { pid_t($0.filter(\.isNumber)) }
    }

    func forwarderProcess() -> pid_t? { forwarderProcesses().first }
}
