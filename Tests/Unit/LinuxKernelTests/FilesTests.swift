import Glibc
import LinuxKernel
import Testing

/// A folder of its own for one test.
private func withFolder(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/skiff-kernel-XXXXXX".utf8CString)
    let path = try #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: 1) {
        String(cString: $0)
    }
    defer { try? removeTree(path) }
    try body(path)
}

struct FilesTests {
    @Test func aReplacedFileHoldsTheNewContentAndNothingElseStays() throws {
        try withFolder { folder in
            try replaceFile("\(folder)/f", "one".utf8)
            try replaceFile("\(folder)/f", "two".utf8, mode: 0o600, durable: true)
            #expect(try readFile("\(folder)/f") == Array("two".utf8))
            let opened = try openFile(folder, O_RDONLY | O_DIRECTORY)
            #expect(try directoryNames(of: opened.rawValue).count == 1)
        }
    }

    @Test func aFailureNamesTheCallThePathAndTheReason() {
        let error = #expect(throws: SystemCallError.self) { try readFile("/nonexistent/x") }
        #expect(error?.call == "openat" && error?.errno == ENOENT)
        #expect(error?.description == "openat /nonexistent/x: No such file or directory")
    }

    @Test func aReadStopsAtItsLimit() throws {
        try withFolder { folder in
            try replaceFile("\(folder)/f", [UInt8](repeating: 1, count: 40_000))
            #expect(throws: SystemCallError(call: "read", errno: EFBIG, subject: "\(folder)/f")) {
                try readFile("\(folder)/f", limit: 1000)
            }
        }
    }

    @Test func aLookupInARootNeverLeavesIt() throws {
        try withFolder { folder in
            try makeDirectories("\(folder)/root/etc")
            try replaceFile("\(folder)/secret", "secret".utf8)
            try replaceFile("\(folder)/root/secret", "inner".utf8)
            for (name, target) in [
                ("up", "../../secret"), ("absolute", "/secret"), ("etc/deep", "../../../../secret"),
            ] {
                #expect(symlink(target, "\(folder)/root/\(name)") == 0)
            }
            let root = try openFile("\(folder)/root", O_PATH)
            for name in ["up", "absolute", "etc/deep", "../secret", "/../../secret"] {
                let file = try openBelow(root.rawValue, name, O_RDONLY)
                #expect(try readAll(file.rawValue) == Array("inner".utf8), "\(name)")
            }
            #expect(throws: SystemCallError.self) {
                try openBelow(root.rawValue, "up", O_RDONLY, .noSymlinks).take()
            }
        }
    }

    @Test func messagesKeepTheirBordersAndCarryDescriptors() throws {
        let ends = try makeMessageSockets()
        let a = Descriptor(owning: ends.0)
        let b = Descriptor(owning: ends.1)
        let null = SharedDescriptor(try openFile("/dev/null", O_RDWR))
        _ = try sendMessage(a.rawValue, [1, 2, 3], [null])
        _ = try sendMessage(a.rawValue, [4], [])
        let first = try receiveMessage(b.rawValue, blocking: true)
        #expect(first.bytes == [1, 2, 3] && first.descriptors.count == 1)
        #expect(fcntl(first.descriptors[0].rawValue, F_GETFD) == FD_CLOEXEC)
        #expect(try receiveMessage(b.rawValue, blocking: true).bytes == [4])
    }
}
