package import JSONCodec

/// A container's state as hooks and `state` see it ("State" of runtime.md).
package struct RuntimeState: Sendable, Equatable {
    package enum Status: String, Sendable {
        case creating, created, running, stopped
        /// Not in the specification; runc's and crun's word for a frozen container.
        case paused
    }

    package var id: String
    package var status: Status
    /// Nil when there is no process any more.
    package var pid: Int32?
    package var bundle: String
    package var annotations: [String: String]

    package init(
        id: String, status: Status, pid: Int32? = nil, bundle: String, annotations: [String: String] = [:]
    ) {
        self.id = id
        self.status = status
        self.pid = pid
        self.bundle = bundle
        self.annotations = annotations
    }

    package var json: JSONValue {
        var object = RuntimeObject()
        object.set("ociVersion", RuntimeSpec.currentVersion)
        object.set("id", id)
        object.set("status", status.rawValue)
        object.set("pid", pid)
        object.set("bundle", bundle)
        object.set("annotations", annotations)
        return object.json
    }
}
