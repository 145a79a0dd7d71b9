import LinuxKernel

/// A network whose side on the host stands.
protocol StandingNetwork: AnyObject, Sendable {
    var record: NetworkRecord { get }
    var addresses: AddressPlan { get }

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
