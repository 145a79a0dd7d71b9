/// `X-Docker-Container-Path-Stat`, in Base64: what a path in a container is.
package struct ContainerPathStat: WireType {
    @Member package var name: String = ""
    @Member package var size: Int64 = 0
    /// Go's `fs.FileMode`.
    @Member package var mode: Int64 = 0
    @Member package var mtime: String = ""
    @Member package var linkTarget: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name, size, mode, mtime, linkTarget
    }
}

/// One entry of `GET /containers/{id}/changes`.
package struct ContainerChange: WireType {
    @Member package var path: String = ""
    /// 0 modified, 1 added, 2 deleted.
    @Member package var kind: Int = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case path = "Path"
        case kind = "Kind"
    }
}

/// The answer of `POST /commit`.
package struct ImageCommitResponse: WireType {
    @Member package var id: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey { case id = "Id" }
}
