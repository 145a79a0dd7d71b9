@testable import OCIRuntime
import Testing

struct UserDatabaseTests {
    private let database = UserDatabase(
        passwd: Array(
            """
            root:x:0:0:root:/root:/bin/sh
            # a comment
            joe:x:1000:1001:Joe:/home/joe:/bin/sh
            12:x:50:51::/twelve:/bin/sh
            bad:x:notanumber:5::/:/bin/sh
            short:x:7
            nohome:x:60:60
            """.utf8),
        group: Array("root:x:0:\nwheel:x:10:root,joe\naudio:x:29:joe\njoe:x:1001:\nodd\n".utf8))

    private func resolve(_ user: String, _ groups: [String] = []) throws -> ResolvedUser {
        try database.resolve(UserRequest(user: user, additionalGroups: groups))
    }

    @Test func nobodyNamedIsRootWithRootsGroups() throws {
        #expect(try resolve("") == ResolvedUser(uid: 0, gid: 0, groups: [0, 10], home: "/root"))
    }

    @Test func aNameBringsItsGroupsAndHome() throws {
        #expect(
            try resolve("joe")
                == ResolvedUser(uid: 1000, gid: 1001, groups: [1001, 10, 29], home: "/home/joe"))
    }

    @Test func aNumberThatIsInTheFileIsThatUser() throws {
        #expect(try resolve("1000").home == "/home/joe")
    }

    @Test func aNumberThatNobodyHasIsTakenAsItIs() throws {
        #expect(try resolve("4711") == ResolvedUser(uid: 4711, gid: 0, groups: [0], home: "/"))
    }

    @Test func aNameOfDigitsComesBeforeTheNumber() throws {
        #expect(try resolve("12").uid == 50)
    }

    @Test func aGroupReplacesTheUsersOwnAndItsMemberships() throws {
        #expect(try resolve("joe:audio") == ResolvedUser(uid: 1000, gid: 29, groups: [29], home: "/home/joe"))
        #expect(try resolve("joe:4000").gid == 4000)
        #expect(try resolve(":wheel").gid == 10)
    }

    @Test func furtherGroupsAreAddedOnce() throws {
        #expect(try resolve("joe", ["wheel", "77", "audio", "77"]).groups == [1001, 10, 29, 77])
    }

    @Test func unknownNamesAreRefusedInDockersWords() {
        let cases: [(String, [String], String)] = [
            ("nobody", [], "unable to find user nobody: no matching entries in passwd file"),
            ("bad", [], "unable to find user bad: no matching entries in passwd file"),
            ("joe:nogroup", [], "unable to find group nogroup: no matching entries in group file"),
            ("joe", ["nogroup"], "Unable to find group nogroup: no matching entries in group file"),
            ("4294967295", [], "uids and gids must be in range 0-2147483647"),
        ]
        for (user, groups, message) in cases {
            let error = #expect(throws: RuntimeError.self) { try resolve(user, groups) }
            #expect(error?.message == message && error?.code == .unknownUser)
        }
    }

    @Test func aUserWithoutAHomeIsAtTheRoot() throws {
        #expect(try resolve("nohome").home == "/")
    }

    @Test func randomFilesNeverCrashTheReader() {
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0..<300)).map { _ in UInt8.random(in: 0...255) }
            let alphabet = Array(":\n0123456789,abc#".utf8)
            let text = (0..<300).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }
            let database = UserDatabase(passwd: bytes + text, group: text + bytes)
            _ = try? database.resolve(UserRequest(user: "abc:0", additionalGroups: ["1"]))
        }
    }
}
