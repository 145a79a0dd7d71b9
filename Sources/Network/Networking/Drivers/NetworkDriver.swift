/// Makes the networks of one kind.
protocol NetworkDriver: Sendable {
    /// Refuses options that this driver does not know or cannot use, and completes the record with what it chooses
    /// itself, such as an interface's name. Changes nothing on the host.
    func complete(_ record: inout NetworkRecord) throws(NetworkError)

    /// Makes what the network needs on the host, or takes over what is there. A failure leaves nothing behind.
    func stand(_ record: NetworkRecord) throws(NetworkError) -> any StandingNetwork
}
