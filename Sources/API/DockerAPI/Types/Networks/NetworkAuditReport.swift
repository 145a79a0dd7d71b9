/// The answer of `GET /skiff/networks/audit`: who reaches which container, by the host's rules at that moment.
package struct NetworkAuditReport: WireType {
    package struct Path: WireType {
        /// `container`, `host` or `outside`.
        @Member package var source: String = ""
        /// The container's name, or the interface that others are behind; empty for the host.
        @Member package var from: String = ""
        /// The container's name.
        @Member package var to: String = ""
        @Member package var network: String = ""
        /// Where the connection is made to: the container's address, or the host's for a published port.
        @Member package var address: String = ""
        /// 0 for a port of the container that is not published.
        @Member package var port: Int = 0
        @Member package var transport: String = ""
        /// `reachable`, `blocked`, or `unknown` where it depends on what nobody knows beforehand.
        @Member package var verdict: String = ""
        /// What decides; empty where nothing stands in the way.
        @Member package var reason: String = ""

        package init() {}

        enum CodingKeys: String, CodingKey {
            case source = "Source"
            case from = "From"
            case to = "To"
            case network = "Network"
            case address = "Address"
            case port = "Port"
            case transport = "Transport"
            case verdict = "Verdict"
            case reason = "Reason"
        }
    }

    package struct Finding: WireType {
        @Member package var message: String = ""
        /// What to do about it.
        @Member package var remedy: String = ""

        package init() {}

        enum CodingKeys: String, CodingKey {
            case message = "Message"
            case remedy = "Remedy"
        }
    }

    @Member package var paths: [Path] = []
    @Member package var findings: [Finding] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case paths = "Paths"
        case findings = "Findings"
    }
}
