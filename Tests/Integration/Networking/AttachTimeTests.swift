import LinuxKernel
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct AttachTimeTests {
    @Test func connectingAContainerTakesMilliseconds() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let controller = instance.controller
        let clock = ContinuousClock()
        var times: [(plain: Duration, port: Duration, release: Duration)] = []
        for round in 0..<30 {
            let plain = try Namespace()
            let published = try Namespace()
            let measured = try host.namespace.run {
                let first = clock.now
                let a = try controller.allocate(
                    EndpointRequest(containerID: "a", containerName: "a", network: "bridge"))
                try controller.attach(a, namespace: plain.descriptor.rawValue)
                let second = clock.now
                let port = PortRequest(containerPort: 80, hostPorts: 8080...8080)
                let b = try controller.allocate(
                    EndpointRequest(containerID: "b", containerName: "b", network: "bridge", ports: [port]))
                try controller.attach(b, namespace: published.descriptor.rawValue)
                let third = clock.now
                controller.release(b)
                let fourth = clock.now
                controller.release(a)
                return (plain: second - first, port: third - second, release: fourth - third)
            }
            if round > 4 { times.append(measured) }
        }
        func median(_ values: [Duration]) -> Duration { values.sorted()[values.count / 2] }
        print(
            "attach \(median(times.map(\.plain))), with a port \(median(times.map(\.port))),"
                + " release \(median(times.map(\.release)))")
        #expect(median(times.map(\.plain)) < .milliseconds(10))
        try instance.shutdown(removeAll: true)
    }
}
