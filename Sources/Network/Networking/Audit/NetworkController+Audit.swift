import LinuxKernel
import Logging
import Netlink
import Synchronization

extension NetworkController {
    /// Finds out who reaches which container, from the rules that are in the kernel now. Changes nothing and sends
    /// nothing; takes a millisecond for every few hundred pairs.
    /// - Throws: `NetworkError` (`kernel`)
    package func audit() throws(NetworkError) -> NetworkAudit {
        let (scene, rules) = try lookAround()
        return Auditor(scene: scene, rules: rules).audit()
    }

    /// Logs what keeps containers from working, on the worker's thread; a finding that was logged is not repeated.
    func logFindings() {
        running.withLock { $0?.worker }?.add { [self] in
            do throws(NetworkError) {
                let (scene, rules) = try lookAround()
                for finding in AuditFindings(scene: scene, rules: rules).all
                where running.withLock({ $0?.loggedFindings.insert(finding.message).inserted ?? false }) {
                    logger.warning(
                        "containers cannot reach other networks",
                        metadata: ["cause": "\(finding.message)", "remedy": "\(finding.remedy)"])
                }
            } catch {
                logger.warning("rules of this host not read", metadata: ["cause": "\(error.message)"])
            }
        }
    }

    private func lookAround() throws(NetworkError) -> (AuditScene, RuleMachine) {
        guard let state = running.withLock({ $0 }) else {
            throw NetworkError(.kernel, "the networks have not been set up")
        }
        let seated = state.endpoints.values.filter { $0.driver != .host && $0.driver != .null }
            .sorted { ($0.containerName, $0.networkName) < ($1.containerName, $1.networkName) }
        let parents = state.standing.compactMapValues { ($0 as? SharedLinkNetwork)?.parentName }
        do throws(SystemCallError) {
            let scene = try AuditScene.read(
                seated, parents: parents, table: configuration.instance, state.routes)
            let ruleset = try NftablesRuleset.read(try NetlinkSocket(NetlinkProtocol.netfilter))
            return (scene, RuleMachine(ruleset))
        } catch {
            throw NetworkError(.kernel, "cannot read the rules of this host: \(error)", cause: error)
        }
    }
}
