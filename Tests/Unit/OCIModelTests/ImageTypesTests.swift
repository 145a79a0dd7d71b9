import JSONCodec
import OCIModel
import Testing

@Suite struct ImageTypesTests {
    @Test func platformsAreParsedAndNormalized() {
        #expect(Platform("linux/x86_64")?.description == "linux/amd64")
        #expect(Platform("linux/arm64/v8")?.description == "linux/arm64")
        #expect(Platform("aarch64")?.description == "linux/arm64")
        #expect(Platform("linux/arm")?.description == "linux/arm/v7")
        #expect(Platform("linux/armhf")?.description == "linux/arm/v7")
        #expect(Platform("linux")?.os == "linux")
        #expect(Platform("") == nil)
        #expect(Platform("a/b/c/d") == nil)
        #expect(Platform("a//b") == nil)
    }

    @Test func nearestPlatformIsChosen() throws {
        func descriptor(_ platform: String?, _ digit: Character) throws -> ContentDescriptor {
            ContentDescriptor(
                mediaType: MediaType.ociManifest,
                digest: try #require(Digest(hex: String(repeating: digit, count: 64))), size: 1,
                platform: platform.flatMap { Platform($0) })
        }
        let index = ImageIndex(manifests: [
            try descriptor("linux/arm/v5", "1"), try descriptor("linux/arm/v7", "2"),
            try descriptor("linux/amd64", "3"), try descriptor("windows/amd64", "4"),
        ])
        func best(_ platform: String) throws -> Character? {
            index.candidates(for: try #require(Platform(platform))).first?.digest.hex.first
        }
        #expect(try best("linux/amd64") == "3")
        #expect(try best("linux/arm/v7") == "2")
        #expect(try best("linux/arm/v6") == "1")
        #expect(try best("linux/arm64") == "2")
        #expect(try best("linux/s390x") == nil)
    }

    @Test func configurationTakesWhatDockerWrites() throws {
        let text = """
            {"architecture":"amd64","os":"linux","created":"2024-02-03T04:05:06.789Z","docker_version":"20.10",
             "config":{"User":"www","ExposedPorts":{"80/tcp":{},"443/tcp":{}},"Env":["A=b"],"Cmd":"run me",
             "Entrypoint":["/e"],"Volumes":{"/data":{}},"WorkingDir":"/w","Labels":{"k":"v"},"StopSignal":"SIGQUIT",
             "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1000000000,"Retries":3},"OnBuild":["RUN x"],
             "Shell":["/bin/bash","-c"],"ArgsEscaped":true},
             "container_config":{"Hostname":"x"},
             "history":[{"created_by":"a","empty_layer":true},{"created":"2024-02-03T04:05:06Z"}],
             "rootfs":{"type":"layers","diff_ids":["sha256:\(String(repeating: "d", count: 64))"]}}
            """
        let image: ImageConfiguration = try JSONValue(parsing: text).decode()
        #expect(image.config.user == "www")
        #expect(image.config.exposedPorts == ["443/tcp", "80/tcp"])
        #expect(image.config.command == ["run me"])
        #expect(image.config.entrypoint == ["/e"])
        #expect(image.config.volumes == ["/data"])
        #expect(image.config.healthcheck?.interval == 1_000_000_000)
        #expect(image.config.healthcheck?.retries == 3)
        #expect(image.config.onBuild == ["RUN x"])
        #expect(image.config.shell == ["/bin/bash", "-c"])
        #expect(image.config.argsEscaped)
        #expect(image.history.map { $0.emptyLayer == true } == [true, false])
        #expect(image.rootFilesystem.diffIDs.count == 1)
        let again: ImageConfiguration = try JSONValue(encoding: image).decode()
        #expect(again == image)
    }

    @Test func digestsOfTheWrongFormAreRefused() {
        #expect(Digest("sha256:" + String(repeating: "A", count: 64)) == nil)
        #expect(Digest("sha256:abc") == nil)
        #expect(Digest("md5:" + String(repeating: "a", count: 32)) == nil)
        #expect(Digest("sha512:" + String(repeating: "a", count: 128)) != nil)
        #expect(Digest("sha256:../../" + String(repeating: "a", count: 58)) == nil)
    }
}
