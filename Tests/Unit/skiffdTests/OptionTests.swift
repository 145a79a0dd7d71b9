import HTTPTransport
import DockerAPIServer
import Engine
import JSONCodec
import Testing

@testable import skiffd

@Suite struct FlagTests {
    @Test func flagsHaveTheFormOfTheFile() throws {
        let flags = try Flags([
            "-H", "unix:///a.sock", "--host=tcp://127.0.0.1:1", "-D", "--icc=false", "--mtu", "1400",
            "--log-opt", "max-size=1m",
            "--log-opt=max-file=2", "--default-ulimit", "nofile=10:20", "--data-root", "/d", "--config-file",
            "/c.json",
            "--default-address-pool", "base=10.0.0.0/8,size=24",
        ])
        #expect(flags.configFile == "/c.json")
        #expect(flags.values["hosts"] == ["unix:///a.sock", "tcp://127.0.0.1:1"])
        #expect(flags.values["debug"] == true && flags.values["icc"] == false && flags.values["mtu"] == 1400)
        #expect(flags.values["log-opts"] == ["max-size": "1m", "max-file": "2"])
        #expect(flags.values["default-ulimits"] == ["nofile": ["Name": "nofile", "Soft": 10, "Hard": 20]])
        #expect(flags.values["default-address-pools"] == [["base": "10.0.0.0/8", "size": 24]])
    }

    @Test(arguments: [
        ["--nosuch"], ["-x"], ["start"], ["--mtu", "big"], ["--data-root"], ["--debug=perhaps"],
        ["--log-opt", "novalue"],
        ["--default-ulimit", "nofile=20:10"], ["--default-address-pool", "base=10.0.0.0/8"],
    ])
    func badFlagsAreRefused(arguments: [String]) {
        #expect(throws: OptionError.self) { try Flags(arguments) }
    }

    @Test func everyKeyHasOneFlagAndOneName() {
        let flags = OptionKey.all.compactMap(\.flag) + OptionKey.all.compactMap { $0.short.map { "-\($0)" } }
        #expect(Set(flags).count == flags.count)
        #expect(Set(OptionKey.all.map(\.name)).count == OptionKey.all.count)
    }

    @Test func helpNamesEveryFlagThatWorks() {
        for key in OptionKey.all where !key.isRefused {
            if let flag = key.flag { #expect(Usage.text.contains("--\(flag)"), "\(flag)") }
        }
        #expect(!Usage.text.contains("--userns-remap"))
    }
}

@Suite struct DaemonFileTests {
    private func merged(_ flags: [String], _ file: String) throws -> JSONObject {
        let object = try #require(try JSONValue(parsing: file).objectValue)
        return try DaemonFile.merge(Flags(flags).values, object, path: "daemon.json")
    }

    @Test func keyInBothPlacesIsRefusedWithBothValues() throws {
        let error = #expect(throws: OptionError.self) {
            try merged(["--data-root", "/x", "--debug"], #"{"data-root": "/y", "labels": ["a=b"]}"#)
        }
        #expect(error?.description.contains("data-root: (from flag: /x, from file: /y)") == true)
        #expect(error?.description.contains("labels") == false)
    }

    @Test func whatIsGivenOnceIsPutTogether() throws {
        let values = try merged(["--debug"], #"{"labels": ["a=b"]}"#)
        #expect(values["debug"] == true && values["labels"] == ["a=b"])
    }

    @Test(arguments: [
        (#"{"authorization-plugins": ["x"]}"#, "authorization-plugins"),
        (#"{"userns-remap": "default"}"#, "userns-remap"), (#"{"features": {"buildkit": true}}"#, "features"),
    ])
    func keyThatNothingStandsBehindIsRefusedByName(file: String, name: String) {
        let error = #expect(throws: OptionError.self) { try merged([], file) }
        #expect(error?.description.hasPrefix("\(name) is not supported") == true)
    }

    @Test func keyThatAsksForNothingIsAccepted() throws {
        let values = try merged(
            [], #"{"tls": false, "registry-mirrors": [], "userns-remap": "", "features": {"x": false}}"#)
        _ = try DaemonOptions(values)
    }
}

@Suite struct DaemonOptionsTests {
    private func options(_ arguments: [String]) throws -> DaemonOptions {
        try DaemonOptions(Flags(arguments).values)
    }

    @Test func defaultsAreNeutral() throws {
        let options = try options([])
        #expect(options.engine.dataRoot == "/var/lib/skiff" && options.engine.instanceName == "skiff")
        #expect(options.engine.bridge.name == "skiff0" && options.engine.cgroupParent.isEmpty)
        #expect(
            options.hosts == [.unix(path: "/run/skiff/skiff.sock")]
                && options.pidfile == "/run/skiff/skiffd.pid")
    }

    @Test func theCgroupDriverIsChosenOrLeftToTheHost() throws {
        #expect(try options([]).engine.cgroupDriver == nil)
        #expect(try options(["--exec-opt", "native.cgroupdriver=systemd"]).engine.cgroupDriver == .systemd)
        #expect(try options(["--exec-opt", "native.cgroupdriver=cgroupfs"]).engine.cgroupDriver == .cgroupfs)
    }

    @Test func tlsIsReadAsDockerdReadsIt() throws {
        #expect(try options([]).tls == nil)
        let verified = try options([
            "--tlsverify", "--tlscacert=ca.pem", "--tlscert", "c.pem", "--tlskey=k.pem", "-H",
            "tcp://0.0.0.0",
        ])
        #expect(verified.tls == TLSOptions(certificate: "c.pem", key: "k.pem", clientAuthorities: "ca.pem"))
        #expect(verified.hosts == [.tcp(host: "0.0.0.0", port: 2376)])
        let open = try options(["--tls", "--tlscacert=ca.pem", "--tlscert", "c.pem", "--tlskey=k.pem"])
        #expect(open.tls == TLSOptions(certificate: "c.pem", key: "k.pem", clientAuthorities: nil))
        // Whoever says that clients are not verified still wants TLS.
        #expect(try options(["--tlsverify=false"]).tls?.clientAuthorities == nil)
        #expect(try options(["--tlsverify=false"]).tls != nil)
    }

    @Test func dropInTakesDockersNames() throws {
        let options = try options(["--drop-in"])
        #expect(options.engine.bridge.name == "docker0" && options.engine.isDropIn)
        #expect(options.hosts.contains(.unix(path: "/var/run/docker.sock")))
    }

    @Test func rootsOfTheirOwnGiveInstancesOfTheirOwn() throws {
        let (a, b) = (try options(["--data-root", "/a"]), try options(["--data-root", "/b/"]))
        #expect(a.engine.instanceName != b.engine.instanceName && a.engine.instanceName.hasPrefix("skiff-"))
        #expect(b.engine.dataRoot == "/b")
    }

    @Test(arguments: [
        ["--bridge", "a-name-that-is-too-long"], ["--data-root", "relative"], ["--log-level", "loud"],
        ["--exec-opt", "native.cgroupdriver=none"], ["--exec-opt", "native.x=systemd"],
        ["--host", "ftp://x"], ["--storage-driver", "btrfs"],
        ["--default-shm-size", "big"], ["--live-restore=false"], ["--label", "novalue"],
        ["--instance", "a b"],
        ["--default-ipc-mode", "host"], ["--default-runtime", "kata"],
    ])
    func badValuesAreRefused(arguments: [String]) {
        #expect(throws: OptionError.self) { try options(arguments) }
    }

    @Test(arguments: [
        ("64m", 64 << 20), ("1g", 1 << 30), ("1024", 1024), ("1.5k", 1536), ("8MB", 8 << 20),
        ("2GiB", 2 << 30), ("5b", 5),
    ])
    func sizesAreReadWithTheirUnits(text: String, bytes: Int64) {
        #expect(OptionReader.size(text) == bytes)
    }

    @Test(arguments: ["", "m", "1x", "1mm", "-1m", "1bb"])
    func otherTextIsNoSize(text: String) { #expect(OptionReader.size(text) == nil) }
}

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("unix:///a/b.sock", ListenAddress.unix(path: "/a/b.sock")), ("/a.sock", .unix(path: "/a.sock")),
        ("unix://", .unix(path: "/var/run/docker.sock")),
        ("tcp://0.0.0.0:99", .tcp(host: "0.0.0.0", port: 99)),
        ("tcp://[::1]:5", .tcp(host: "::1", port: 5)), ("tcp://host", .tcp(host: "host", port: 2375)),
        ("tcp://:1", .tcp(host: "127.0.0.1", port: 1)), ("fd://", .passed(descriptor: nil)),
        ("fd://3", .passed(descriptor: 3)),
    ])
    func addressesAreRead(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(text) == address)
    }

    @Test(arguments: ["ftp://x", "unix://relative", "tcp://a:b", "tcp://a:70000", "fd://x"])
    func othersAreRefused(text: String) {
        #expect(throws: HTTPTransportError.self) { try ListenAddress(text) }
    }
}
