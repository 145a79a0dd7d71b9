import DockerAPI
import JSONCodec
import Testing

@Suite struct WireTypeTests {
    @Test func createRequestReadsConfigHostConfigAndNetworks() throws {
        let text = """
            {"Hostname":"h","Cmd":["a","b"],"Entrypoint":"run","Env":null,"ExposedPorts":{"80/tcp":{}},"future":[1],
            "HostConfig":{"Memory":5,"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}],"81/tcp":null},
            "init":true,"Binds":null},"NetworkingConfig":{"EndpointsConfig":{"default":null}}}
            """
        let request: ContainerCreateRequest = try JSONValue(parsing: text).decode()
        #expect(request.config.hostname == "h")
        #expect(request.config.cmd == ["a", "b"] && request.config.entrypoint == ["run"])
        #expect(request.config.exposedPorts?.keys.first == "80/tcp")
        #expect(request.hostConfig?.memory == 5 && request.hostConfig?.usesInit == true)
        #expect(request.hostConfig?.portBindings?["80/tcp"]??.first?.hostPort == "8080")
        #expect(request.networkingConfig?.endpointsConfig?.keys.contains("default") == true)
        let again: ContainerCreateRequest = try JSONValue(encoding: request).decode()
        #expect(again == request)
    }

    @Test func membersOfTheWrongTypeAreNamed() throws {
        let value = try JSONValue(parsing: #"{"HostConfig":{"Memory":"much"}}"#)
        do {
            _ = try value.decode(ContainerCreateRequest.self)
            Issue.record("no error")
        } catch let error as DecodingError {
            #expect(error.summary.contains("HostConfig.Memory"))
        }
    }

    @Test func absentMembersReadAsZeroAndZeroIsWrittenAsGoWritesIt() throws {
        let config: ContainerConfig = try JSONValue(parsing: "{}").decode()
        #expect(config == ContainerConfig())
        #expect(
            try JSONValue(encoding: config).text()
                == #"{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"#
                + #""AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"#
                + #""Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null}"#
        )
    }

    @Test func mapsAreWrittenWithSortedKeys() throws {
        var config = ContainerConfig()
        config.labels = Dictionary(uniqueKeysWithValues: (0..<50).map { ("k\($0)", "v") })
        let keys = try JSONValue(encoding: config)["Labels"]?.objectValue?.keys ?? []
        #expect(keys == keys.sorted() && keys.count == 50)
        config.exposedPorts = ["9/tcp": EmptyObject(), "1/tcp": EmptyObject()]
        #expect(try JSONValue(encoding: config)["ExposedPorts"]?.text() == #"{"1/tcp":{},"9/tcp":{}}"#)
    }

    @Test func networkCreationKeepsApartWhatWasNotSaid() throws {
        let plain: NetworkCreateRequest = try JSONValue(parsing: #"{"Name":"n","CheckDuplicate":true}"#)
            .decode()
        #expect(plain.enableIPv4 == nil && plain.enableIPv6 == nil && plain.ipam == nil)
        let text = """
            {"Name":"n","Driver":"bridge","EnableIPv6":false,"IPAM":{"Driver":"default","Options":{},"Config":[
            {"Subnet":"10.1.0.0/16","IPRange":"10.1.1.0/24","Gateway":"10.1.0.1","AuxiliaryAddresses":{"a":"10.1.0.5"}}]},
            "Internal":true,"ConfigFrom":{"Network":"c"},"Options":{"x":""},"Labels":null}
            """
        let full: NetworkCreateRequest = try JSONValue(parsing: text).decode()
        #expect(full.enableIPv6 == false && full.isInternal && full.configFrom?.network == "c")
        #expect(full.ipam?.config?.first?.auxiliaryAddresses == ["a": "10.1.0.5"])
        #expect(full.options == ["x": ""] && full.labels == nil)
        let again: NetworkCreateRequest = try JSONValue(encoding: full).decode()
        #expect(again == full)
    }

    @Test func connectionsReadWhatClientsSend() throws {
        let text = """
            {"Container":"c","EndpointConfig":{"IPAMConfig":{"IPv4Address":"10.0.0.5","LinkLocalIPs":["169.254.1.1"]},
            "Links":null,"Aliases":["a"],"GwPriority":-5,"DriverOpts":{},"future":1}}
            """
        let request: NetworkConnectRequest = try JSONValue(parsing: text).decode()
        #expect(request.container == "c" && request.endpointConfig?.gwPriority == -5)
        #expect(request.endpointConfig?.ipamConfig?.linkLocalIPs == ["169.254.1.1"])
        let bare: NetworkConnectRequest = try JSONValue(parsing: #"{"Container":"c"}"#).decode()
        #expect(bare.endpointConfig == nil)
        #expect(try JSONValue(encoding: NetworkPruneResponse()).text() == #"{"NetworksDeleted":null}"#)
    }

    @Test func memberOfSomeVersionsIsAbsentNullOrWritten() throws {
        var endpoint = EndpointSettings()
        #expect(try JSONValue(encoding: endpoint)["DNSNames"] == nil)
        endpoint.dnsNames = NullableValue(nil)
        #expect(try JSONValue(encoding: endpoint)["DNSNames"] == .null)
        endpoint.dnsNames = NullableValue(["a"])
        #expect(try JSONValue(encoding: endpoint)["DNSNames"] == ["a"])
    }
}
