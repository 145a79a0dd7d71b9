import Glibc
import JSONCodec
import LinuxKernel
import OCIModel
import ShimProtocol
import Testing

@Suite struct MessageTests {
    private func socket() throws -> SharedDescriptor { SharedDescriptor(try openFile("/dev/null", O_RDWR)) }

    private func createRequest() throws -> CreateRequest {
        var request = CreateRequest(
            containerID: "c1", spec: RuntimeSpec(process: RuntimeProcess(args: ["/bin/true"])),
            root: .overlay(lower: ["/b", "/a"], upper: "/u", work: "/w", volatile: true), lockPath: "/l",
            user: "alice:staff", groupAdd: ["50"], openStdin: true, stdinOnce: true,
            log: LogConfiguration(
                path: "/x.log", maxSize: 10, maxFiles: 3, attributes: [("b", "1"), ("a", "2")]),
            useInit: true, seccompProgram: "/s",
            attachments: [
                AttachRequest(id: "a1", stdin: true, logs: true, buffered: [0, 255], socket: try socket())
            ])
        request.mountSources = [
            RuntimeMountSource(destination: "/i", layers: ["/l2", "/l1"], subpath: "a/b"),
            RuntimeMountSource(destination: "/v", mapsOwner: true),
        ]
        return request
    }

    private func answering() throws -> AttachRequest {
        var request = AttachRequest(id: "a4", socket: try socket())
        request.preamble = Array("HTTP/1.1 101\r\n\r\n".utf8)
        return request
    }

    private func requests() throws -> [ShimRequest] {
        [
            .create(try createRequest()), .start,
            .exec(
                ExecRequest(
                    execID: "e", process: RuntimeProcess(args: ["ls"], terminal: true), user: "0",
                    openStdin: true,
                    attachments: [AttachRequest(id: "a2", execID: "e", detachKeys: [], socket: try socket())])
            ),
            .resize(execID: "e", width: 80, height: 24), .resize(execID: nil, width: 1, height: 65535),
            .signal(execID: nil, number: 15, all: true), .pause, .resume,
            .update(resources: try RuntimeResources(json: JSONValue(parsing: #"{"memory":{"limit":5}}"#))),
            .attach(AttachRequest(id: "a3", inputEnded: true, socket: try socket())),
            .attach(try answering()),
            .closeStdin(execID: nil), .closeStdin(execID: "e"), .root, .state, .wait, .delete(force: true),
        ]
    }

    @Test func requestsComeOutAsTheyWentIn() throws {
        for (index, request) in try requests().enumerated() {
            let frame = request.frame(id: UInt64(index))
            let message = try ShimRequestMessage(decoding: frame)
            #expect(message.id == UInt64(index))
            // Encoding again compares every field.
            #expect(try message.request.get().frame(id: message.id).text == frame.text)
            #expect(try message.request.get().frame(id: 0).descriptors.count == frame.descriptors.count)
        }
    }

    @Test func createKeepsEveryField() throws {
        let frame = ShimRequest.create(try createRequest()).frame(id: 1)
        guard case .create(let create) = try ShimRequestMessage(decoding: frame).request.get() else {
            Issue.record("no create")
            return
        }
        #expect(create.root == .overlay(lower: ["/b", "/a"], upper: "/u", work: "/w", volatile: true))
        #expect(create.log?.attributes.map(\.name) == ["b", "a"])
        #expect(create.attachments.first?.buffered == [0, 255])
        #expect(create.attachments.first?.detachKeys == [16, 17])
        #expect(create.spec.process?.args == ["/bin/true"])
        #expect(create.openStdin && create.stdinOnce && create.useInit)
    }

    @Test func repliesAndEventsComeOutAsTheyWentIn() throws {
        let time = Timestamp(seconds: 1_700_000_000, nanoseconds: 123)
        let record = ExitRecord(
            containerID: "c", pid: 5, code: 137, signal: 9, startedAt: time, exitedAt: time,
            outOfMemory: true,
            cause: .killedByShim, problems: ["p"])
        var state = ShimState(
            containerID: "c", status: .paused, shimPid: 2, shimStartTime: .max, pid: 5, pidStartTime: 9,
            createdAt: time, startedAt: time)
        let exit = ExecExit(execID: "e", pid: 6, code: 1, exitedAt: time)
        state.execs = [RunningExec(execID: "r", pid: 8)]
        state.endedExecs = [exit]
        state.attachments = ["a"]
        let messages: [ShimMessage] = [
            .reply(id: 1, .created(pid: 5, networkNamespace: try socket())),
            .reply(id: 2, .created(pid: 5, networkNamespace: nil)), .reply(id: 3, .started(pid: 5, at: time)),
            .reply(id: 4, .execStarted(pid: 6)), .reply(id: 5, .state(state)), .reply(id: 6, .exited(record)),
            .reply(id: 7, .root(try socket())), .reply(id: .max, .done),
            .reply(id: 8, .failed(ShimError(.cannotStart, "m", exitCode: 127))),
            .event(.exited(record)), .event(.execExited(exit)), .event(.outOfMemory), .event(.warning("w")),
            .event(.attachEnded(id: "a", execID: nil, reason: .detached)),
        ]
        for message in messages {
            let frame = message.frame()
            let decoded = try ShimMessage(decoding: frame).frame()
            #expect(decoded.text == frame.text)
            #expect(decoded.descriptors.count == frame.descriptors.count)
        }
        guard case .reply(_, .state(let decoded)) = try ShimMessage(decoding: messages[4].frame()) else {
            Issue.record("no state")
            return
        }
        #expect(decoded == state)
    }

    @Test(arguments: [
        #"{"id":1,"op":"dance","args":{}}"#, #"{"id":1,"op":"start","args":{"x":1}}"#,
        #"{"id":1,"op":"start","args":{},"more":1}"#,
        #"{"id":1,"op":"resize","args":{"width":70000,"height":1}}"#,
        #"{"id":1,"op":"signal","args":{"number":"9"}}"#, #"{"id":1,"op":"delete","args":{"force":1}}"#,
        #"{"id":1,"op":"create","args":{"containerID":"c"}}"#, #"{"id":1,"op":"attach","args":{"id":"a"}}"#,
        #"{"id":1,"op":"start"}"#, #"{"id":1,"op":"start","args":[]}"#,
    ])
    func requestThatIsNotUnderstoodKeepsItsID(text: String) throws {
        let message = try ShimRequestMessage(decoding: ShimFrame(text: Array(text.utf8)))
        #expect(message.id == 1)
        #expect(throws: ShimError.self) { try message.request.get() }
    }

    @Test func newerShimsMaySayMore() throws {
        let text = #"{"event":"warning","args":{"message":"m","detail":1},"since":2}"#
        guard case .event(.warning("m")) = try ShimMessage(decoding: ShimFrame(text: Array(text.utf8))) else {
            Issue.record("not the warning")
            return
        }
    }

    @Test(arguments: 1...40) func mutatedMessagesNeverTrap(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for request in try requests() {
            var text = request.frame(id: 1).text
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let position = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text[position] = UInt8.random(in: 0...255, using: &random)
                case 1: text.remove(at: position)
                default:
                    text.insert(
                        contentsOf: "\"{}[]:,0-".utf8.shuffled(using: &random).prefix(2), at: position)
                }
            }
            let frame = ShimFrame(text: text)
            _ = try? ShimRequestMessage(decoding: frame).request.get()
            _ = try? ShimMessage(decoding: frame)
        }
    }

    @Test func recordsAreReadAsTheyWereWritten() throws {
        let folder = "/tmp/skiff-shim-records-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try makeDirectories(folder)
        defer { for name in ["state.json", "exit.json", ""] { remove("\(folder)/\(name)") } }
        #expect(try ShimState(readingFrom: folder) == nil)
        #expect(try ExitRecord(readingFrom: folder) == nil)
        let state = ShimState(
            containerID: "c", status: .running, shimPid: 1, shimStartTime: 2, pid: 3, pidStartTime: 4,
            createdAt: Timestamp(seconds: 5))
        try state.write(to: folder)
        #expect(try ShimState(readingFrom: folder) == state)
        let record = ExitRecord(
            containerID: "c", pid: 3, code: 0, startedAt: Timestamp(seconds: 5),
            exitedAt: Timestamp(seconds: 6))
        try record.write(to: folder)
        #expect(try ExitRecord(readingFrom: folder) == record)
    }

    @Test func connectionCarriesRequestsRepliesAndDescriptors() throws {
        let (connection, shimEnd) = try ShimConnection.makePair()
        let id = try connection.send(.attach(AttachRequest(id: "a", socket: try socket())))
        let received = try receiveMessage(shimEnd.rawValue, blocking: true)
        #expect(received.descriptors.count == 1)
        var reader = ShimFrameReader()
        reader.append(received.bytes, received.descriptors)
        let message = try ShimRequestMessage(decoding: try #require(try reader.next()))
        #expect(message.id == id)
        #expect(try connection.receiveAvailable().messages.isEmpty)
        let reply = ShimMessage.reply(id: id, .done).frame()
        _ = try sendMessage(shimEnd.rawValue, try reply.bytes()[...], reply.descriptors)
        guard case .reply(id, .done)? = try connection.receive() else {
            Issue.record("no reply")
            return
        }
        shutdown(shimEnd.rawValue, Int32(SHUT_RDWR))
        #expect(try connection.receive() == nil)
        #expect(throws: ShimError.self) { try connection.send(.start) }
    }
}

@Suite struct LongPathTests {
    @Test func shimIsFoundHoweverLongItsFoldersPathIs() throws {
        let top = "/tmp/skiff-shim-long-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let folder = top + "/" + String(repeating: "x", count: 200)
        try makeDirectories(folder)
        defer { for path in ["\(folder)/shim.sock", folder, top] { remove(path) } }
        #expect(throws: ShimError.self) { try ShimConnection.connect(to: folder) }
        let listener = try listenUnix(directory: folder, name: ShimFolder.socket, backlog: 1)
        let connection = try ShimConnection.connect(to: folder)
        try connection.send(.state)
        withExtendedLifetime(listener.rawValue) {}
    }
}
