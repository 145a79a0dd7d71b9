import DNS
import Glibc
import LinuxKernel

/// Asks other servers for what is not known here.
final class Upstream {
    /// How often waiting queries are looked at, in milliseconds.
    private static let interval = 250
    /// Milliseconds for which a server that did not answer comes after the others.
    private static let slowTime = 10_000
    /// What a container may have waiting however busy the others are.
    private static let guaranteed = 16
    /// Servers of one query, and how often any is asked where there are fewer.
    private static let attempts = 3

    private let loop: EventLoop
    private let host: HostServers
    private let limit: Int
    private var queries: [ObjectIdentifier: UpstreamQuery] = [:]
    /// Until when a server counts as slow.
    private var slow: [SocketAddress: Int] = [:]
    private var hasTimer = false

    init(_ loop: EventLoop, _ host: HostServers) {
        self.loop = loop
        self.host = host
        // Each query may have a socket per attempt.
        limit = max(32, min(1024, descriptorLimit() / 16))
    }

    /// Asks on behalf of a container. One that asks faster than the servers answer gets half of the room at most, or a
    /// third where two do, and so on: there is always some left for another.
    /// - Parameter deliver: called once with the answer, never before this returns; not where the resolver is closed
    func ask(
        _ query: Query, for resolver: ContainerResolver, isStream: Bool, deliver: @escaping ([UInt8]) -> Void
    ) {
        let free = limit - queries.count
        guard free > 0, resolver.waiting < max(Self.guaranteed, free) else {
            let refusal = Answer.make(to: query, code: .refused, isStream: isStream)
            return loop.later { deliver(refusal) }
        }
        resolver.waiting += 1
        let given = resolver.settings.servers
        let forwarded = UpstreamQuery(
            query, isStream: isStream, plan(given.isEmpty ? host.current : given), loop, self
        ) { [weak self, weak resolver] asked, answer in
            self?.queries[ObjectIdentifier(asked)] = nil
            resolver?.waiting -= 1
            deliver(answer)
        }
        forwarded.resolver = ObjectIdentifier(resolver)
        queries[ObjectIdentifier(forwarded)] = forwarded
        startTimer()
        // Not at once: where no server can be reached, the answer is there immediately.
        loop.later { forwarded.start() }
    }

    func cancel(for resolver: ContainerResolver) {
        for (key, query) in queries where query.resolver == ObjectIdentifier(resolver) {
            query.close()
            queries[key] = nil
        }
    }

    /// In the order given, slow ones last, from the beginning where they are few.
    private func plan(_ servers: [SocketAddress]) -> [SocketAddress] {
        let now = EventLoop.milliseconds
        let first = servers.prefix(Self.attempts)
        let isSlow = { (server: SocketAddress) in (self.slow[server] ?? 0) > now }
        let order = first.filter { !isSlow($0) } + first.filter(isSlow)
        guard !order.isEmpty else { return [] }
        return (0..<Self.attempts).map { order[$0 % order.count] }
    }

    func note(_ server: SocketAddress, answered: Bool) {
        if answered {
            if !slow.isEmpty { slow[server] = nil }
        } else {
            slow[server] = EventLoop.milliseconds + Self.slowTime
        }
    }

    private func startTimer() {
        guard !hasTimer else { return }
        hasTimer = true
        loop.every(milliseconds: Self.interval) { [weak self] in
            guard let self else { return false }
            let now = EventLoop.milliseconds
            for query in Array(queries.values) { query.tick(now) }
            slow = slow.filter { $0.value > now }
            hasTimer = !queries.isEmpty || !slow.isEmpty
            return hasTimer
        }
    }
}
