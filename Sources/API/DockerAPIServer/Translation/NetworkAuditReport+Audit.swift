import DockerAPI
import Networking

extension NetworkAuditReport {
    init(_ audit: NetworkAudit) {
        self.init()
        paths = audit.paths.map { path in
            var wire = Path()
            (wire.source, wire.from, wire.to) = (path.source.rawValue, path.from, path.to)
            (wire.network, wire.address) = (path.network, "\(path.address)")
            (wire.port, wire.transport) = (path.port.map(Int.init) ?? 0, path.transport.rawValue)
            (wire.verdict, wire.reason) = (path.verdict.rawValue, path.reason)
            return wire
        }
        findings = audit.findings.map { finding in
            var wire = Finding()
            (wire.message, wire.remedy) = (finding.message, finding.remedy)
            return wire
        }
    }
}
