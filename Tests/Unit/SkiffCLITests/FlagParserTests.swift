import Testing

@testable import SkiffCLI

@Suite struct FlagParserTests {
    private static let flags = [
        Flag("interactive", "i", .bool, ""), Flag("tty", "t", .bool, ""), Flag("publish", "p", .list, ""),
        Flag("name", .string, ""), Flag("rm", .bool, ""), Flag("time", "n", .int, "", initial: "10"),
        Flag("net", .list, "", standsFor: "network"), Flag("network", .list, ""),
        Flag("memory", "m", .bytes, ""),
        Flag("platform", .stringSlice, ""),
    ]

    private func parse(_ words: String..., interspersed: Bool = true) throws -> FlagParser {
        var parser = FlagParser(flags: Self.flags, isInterspersed: interspersed)
        try parser.parse(words)
        return parser
    }

    private func flag(_ name: String) -> Flag { Self.flags.first { $0.name == name } ?? Self.flags[0] }

    @Test func lettersCombine() throws {
        let parser = try parse("-it", "-p8080:80", "-p", "1:2", "-p=3:4", "x")
        #expect(parser.values.bool(flag("interactive")) && parser.values.bool(flag("tty")))
        #expect(parser.values.list(flag("publish")) == ["8080:80", "1:2", "3:4"])
        #expect(parser.arguments == ["x"])
    }

    @Test func longFlagsTakeValuesBothWays() throws {
        let parser = try parse("--name=a=b", "--rm=false", "--time", "-5", "--net", "x", "--network", "y")
        #expect(parser.values.string(flag("name")) == "a=b")
        #expect(!parser.values.bool(flag("rm")) && parser.values.isSet(flag("rm")))
        #expect(parser.values.int(flag("time")) == -5)
        #expect(parser.values.list(flag("network")) == ["x", "y"])
    }

    @Test func flagsMayFollowArgumentsWhereTheCommandAllowsIt() throws {
        #expect(try parse("a", "--rm", "b").arguments == ["a", "b"])
        #expect(try parse("image", "ls", "-l", interspersed: false).arguments == ["image", "ls", "-l"])
        #expect(try parse("--rm", "--", "-x").arguments == ["-x"])
        #expect(try parse("-").arguments == ["-"])
    }

    @Test func slicesSplitAtCommas() throws {
        #expect(
            try parse("--platform", "a,b", "--platform", "c").values.list(flag("platform")) == [
                "a", "b", "c",
            ])
        let empty = try parse("--platform", "")
        #expect(empty.values.list(flag("platform")) == [] && empty.values.isSet(flag("platform")))
    }

    @Test(arguments: [
        (["--foo"], "unknown flag: --foo"), (["-z"], "unknown shorthand flag: 'z' in -z"),
        (["-iz"], "unknown shorthand flag: 'z' in -iz"), (["--name"], "flag needs an argument: --name"),
        (["-p"], "flag needs an argument: 'p' in -p"), (["--=x"], "bad flag syntax: --=x"),
        (
            ["--rm=x"],
            "invalid argument \"x\" for \"--rm\" flag: strconv.ParseBool: parsing \"x\": invalid syntax"
        ),
        (
            ["-nx"],
            "invalid argument \"x\" for \"-n, --time\" flag: strconv.ParseInt: parsing \"x\": invalid syntax"
        ),
        (["-m", "x"], "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'"),
    ])
    func mistakesAreNamedInDockersWords(_ words: [String], _ message: String) {
        var parser = FlagParser(flags: Self.flags, isInterspersed: true)
        #expect(throws: UsageError(message)) { try parser.parse(words) }
    }

    @Test(arguments: [
        ("512m", 536_870_912), ("1.5g", 1_610_612_736), ("64MiB", 67_108_864), ("10", 10), ("2 kb", 2048),
        ("1K", 1024), ("5b", 5),
    ])
    func sizesAreInPowersOf1024(_ text: String, _ bytes: Int64) { #expect(FlagText.bytes(text) == bytes) }

    @Test(arguments: ["x", "", "-1m", "1q", "1ibm", "m"])
    func otherSizesAreRefused(_ text: String) { #expect(FlagText.bytes(text) == nil) }

    @Test func durationsAndProcessorsParse() {
        #expect(FlagText.duration("1m30s") == 90_000_000_000)
        #expect(FlagText.duration("1.5h") == 5_400_000_000_000)
        #expect(FlagText.duration("10") == nil)
        #expect(FlagText.nanos("1.5") == 1_500_000_000)
        #expect(FlagText.nanos(".25") == 250_000_000)
        #expect(FlagText.nanos("1.0000000001") == nil)
    }

    @Test func theNearestCommandIsSuggested() {
        #expect(Suggestion.nearest(to: "runn", among: ["run", "rm", "ps"]) == "run")
        #expect(Suggestion.nearest(to: "frobnicate", among: ["run", "rm"]) == nil)
    }
}
