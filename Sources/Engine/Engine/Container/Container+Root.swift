import LinuxKernel
import ShimProtocol

extension Container {
    /// The root filesystem of a running container without the volumes and everything else that is mounted in it, as a
    /// directory's descriptor (O_PATH). To be closed soon: it keeps the overlay mounted.
    /// - Returns: nil where the kernel makes no such copy (Linux before 6.15): the layer's directories have to serve
    /// - Throws: `EngineError` where it does not run, `ShimError`
    func bareRoot() async throws -> SharedDescriptor? {
        do {
            guard case .root(let tree) = try await requireSession().request(.root) else {
                throw ShimError(.malformedMessage, "the shim answered root with something else")
            }
            return tree
        } catch let error as ShimError where error.code == .unsupported {
            return nil
        }
    }
}
