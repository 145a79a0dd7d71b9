import DockerAPI
import Testing

@Suite struct RouteTests {
    let table = RouteTable()

    @Test(arguments: [
        ("GET", "/_ping", "systemPing", []),
        ("POST", "/containers/create", "containerCreate", []),
        ("GET", "/containers/json", "containerList", []),
        ("GET", "/containers/json/json", "containerInspect", ["json"]),
        ("POST", "/containers/abc/start", "containerStart", ["abc"]),
        ("DELETE", "/containers/abc", "containerDelete", ["abc"]),
        ("GET", "/images/json", "imageList", []),
        ("GET", "/images/registry:5000/team/app:1.0/json", "imageInspect", ["registry:5000/team/app:1.0"]),
        ("DELETE", "/images/library/busybox", "imageDelete", ["library/busybox"]),
        ("GET", "/images/get", "imageGetAll", []),
        ("GET", "/exec/4f/json", "execInspect", ["4f"]),
        ("GET", "/networks", "networkList", []),
        ("POST", "/networks/create", "networkCreate", []),
        ("POST", "/networks/a/b/connect", "networkConnect", ["a/b"]),
        ("DELETE", "/networks/create", "networkDelete", ["create"]),
        ("POST", "/skiff/containers/web/ports/add", "containerPortAdd", ["web"]),
        ("POST", "/skiff/containers/web/db/ports/remove", "containerPortRemove", ["web/db"]),
        ("GET", "/skiff/networks/audit", "networkAudit", []),
        ("POST", "/skiff/volumes/import", "volumeImport", []),
        ("POST", "/skiff/volumes/v/snapshots/s/restore", "volumeSnapshotRestore", ["v", "s"]),
        ("DELETE", "/containers/c/checkpoints/one", "checkpointDelete", ["c", "one"]),
        ("HEAD", "/_ping", "systemPingHead", []),
    ])
    func requestFindsItsOperation(method: String, path: String, operation: String, parameters: [String])
        throws
    {
        let method = try #require(RequestMethod(rawValue: method))
        let found = try #require(table.find(method, path[...]))
        #expect(found.route.operation.rawValue == operation)
        #expect(found.parameters == parameters)
    }

    @Test(arguments: [
        "/", "", "/containers", "/containers//start", "/nosuch", "/exec/1/2/json/x", "/networks/",
    ])
    func pathOfNothingFindsNothing(path: String) {
        #expect(table.find(.post, path[...]) == nil || path == "/containers//start")
        #expect(table.find(.get, "/nosuch"[...]) == nil)
    }

    @Test func everyOperationHasARouteAndEveryRouteIsFoundByItsOwnTemplate() throws {
        #expect(Set(Route.all.map(\.operation)) == Set(Operation.allCases))
        for route in Route.all {
            let path = route.template.replacing(/\{[^}]*\}/) { _ in "x1" }
            let found = try #require(table.find(route.method, path[...]), "\(route.template)")
            #expect(found.route.operation == route.operation, "\(route.template)")
        }
    }
}

@Suite struct APIVersionTests {
    @Test(arguments: [
        ("/v1.24/info", "1.24", "/info"), ("/v1.51/_ping", "1.51", "/_ping"), ("/info", "1.51", "/info"),
        ("/version", "1.51", "/version"), ("/volumes", "1.51", "/volumes"), ("/v1.41", "1.41", ""),
    ])
    func versionIsTakenOffThePath(path: String, version: String, rest: String) throws {
        let (found, left) = try APIVersion.negotiate(path: path)
        #expect(found.description == version && String(left) == rest)
    }

    @Test func versionsOutsideTheRangeAreRefusedInDockersWords() {
        #expect(throws: APIVersionRefusal.tooNew("1.99")) { try APIVersion.negotiate(path: "/v1.99/info") }
        #expect(throws: APIVersionRefusal.tooOld("1.23")) { try APIVersion.negotiate(path: "/v1.23/info") }
        #expect(throws: APIVersionRefusal.tooNew("1.2.3")) { try APIVersion.negotiate(path: "/v1.2.3/info") }
        #expect(
            APIVersionRefusal.tooNew("1.99").message
                == "client version 1.99 is too new. Maximum supported API version is 1.51")
    }
}

@Suite struct FilterTextTests {
    @Test(arguments: [
        (#"{"name":["a","b"]}"#, ["name": ["a", "b"]]),
        (#"{"label":{"x=y":true,"z":false}}"#, ["label": ["x=y"]]),
        ("", [:]), ("{}", [:]),
    ])
    func bothFormsAreRead(text: String, filters: [String: [String]]) throws {
        #expect(try FilterText.parse(text) == filters)
    }

    @Test(arguments: ["[]", "x", #"{"a":1}"#, #"{"a":[1]}"#, #"{"a":{"b":"c"}}"#])
    func otherTextIsRefused(text: String) {
        #expect(throws: (any Error).self) { try FilterText.parse(text) }
    }

    @Test func whatIsEncodedIsReadAgain() throws {
        let filters = ["name": ["a"], "status": ["exited", "running"]]
        #expect(try FilterText.parse(FilterText.encode(filters)) == filters)
    }
}
