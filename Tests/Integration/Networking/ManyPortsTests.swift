import LinuxKernel
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct ManyPortsTests {
    @Test func theThousandthPortCostsWhatTheFirstDoes() throws {
        let host = try Host()
        var configuration = host.configuration()
        configuration.forwarderPath = nil
        let instance = try host.start(configuration)
        let times = try host.namespace.run { [controller = instance.controller] in
            let clock = ContinuousClock()
            return try (0..<1000).map { index in
                let port = UInt16(20_000 + index)
                let request = EndpointRequest(
                    containerID: "c\(index)", containerName: "c\(index)", network: "bridge",
                    ports: [PortRequest(containerPort: 80, hostPorts: port...port)])
                let start = clock.now
                let endpoint = try controller.allocate(request)
                try controller.publish(endpoint)
                return clock.now - start
            }
        }
        func median(_ values: ArraySlice<Duration>) -> Duration { values.sorted()[values.count / 2] }
        let first = median(times[..<50])
        let last = median(times[950...])
        print("a port of the first 50: \(first), of the last 50 of 1000: \(last)")
        #expect(last < first * 2)
        try instance.shutdown(removeAll: false)
    }

    @Test func aContainerMayPublishThousands() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let ports = (0..<2000).map { index in
            PortRequest(containerPort: 80, hostPorts: UInt16(20_000 + index)...UInt16(20_000 + index))
        }
        let clock = ContinuousClock()
        let start = clock.now
        let web = try instance.container("web", ports: ports)
        print("2000 ports of one container: \(clock.now - start)")
        for port in [20_000, 20_999, 21_999] as [UInt16] {
            #expect(host.outside.askPatiently(.tcp, Host.address, port) == "web \(Host.outsideAddress)")
        }
        try host.namespace.shell("nft flush ruleset")
        #expect(host.outside.askPatiently(.tcp, Host.address, 21_999, seconds: 2) != nil)
        try web.release()
        #expect(host.outside.ask(.tcp, Host.address, 21_999, timeout: 0.2) == nil)
        try instance.shutdown(removeAll: true)
    }
}
