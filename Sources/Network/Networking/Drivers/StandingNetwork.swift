import LinuxKernel

/// A network whose side on the host stands.
protocol StandingNetwork: AnyObject, Sendable {
    var record: NetworkRecord { get }
    var addresses: AddressPlan { get }
    /// nil where its packets do not pass the host's own rules, as those of macvlan.
    var hostSide: HostSide? { get }

    /// What a container on it may send under; nil where it may send anything.
    func source(of endpoint: Endpoint) -> SourceGuard.Source?

    /// Completes an endpoint that has its addresses: names of its interfaces, options of the driver.
    /// - Throws: `NetworkError` (`invalidRequest`) for options that are none
    func prepare(_ endpoint: inout Endpoint, _ request: EndpointRequest) throws(NetworkError)

    /// Makes the interface inside the namespace, with addresses, and default routes where the endpoint has `routes`.
    /// Works for containers that run as well.
    func connect(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError)

    /// Takes the interface away from a namespace that lives on.
    /// - Parameter namespace: -1 where it is not known: what can be reached from the host's side goes
    func disconnect(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError)

    /// Puts right what a crash or another program took from a container that runs; nothing where all is well.
    func repair(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError)

    /// Gives the addresses back.
    func release(_ endpoint: Endpoint)

    /// Takes everything off the host.
    func remove() throws(SystemCallError)
}

/// The bridge of a network, as the host's rules see it.
struct HostSide: Sendable {
    let bridge: FirewallModel.Bridge
    /// The bridge's interface index.
    let index: Int32
    /// Where ports are published that name no address; nil is the daemon's default.
    let bindingAddress: IPAddress?
}
