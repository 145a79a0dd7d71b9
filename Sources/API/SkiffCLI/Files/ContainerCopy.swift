import EngineClient
import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// `cp`
enum ContainerCopy {
    private static let archive = Flag("archive", "a", .bool, "Keep the owners of files")
    private static let followLink = Flag("follow-link", "L", .bool, "Copy what a link in SRC_PATH leads to")
    private static let quiet = Flag("quiet", "q", .bool, "Do not say how much was copied")

    static func command() -> Command {
        Command(
            paths: ["container cp", "cp"],
            usage: "[OPTIONS] [CONTAINER:]SRC_PATH|- [CONTAINER:]DEST_PATH|-",
            summary: "Copy files between a container and this machine, or between containers",
            flags: [archive, followLink, quiet], arguments: .exactly(2), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        for (index, what) in ["source", "destination"].enumerated() where invocation.arguments[index].isEmpty
        {
            throw CommandError(.invalidArgument, "\(what) can not be empty")
        }
        let copy = CopyRun(
            invocation: invocation, keepsOwners: invocation.bool(archive),
            followsLink: invocation.bool(followLink), isQuiet: invocation.bool(quiet))
        switch (CopyPlace(invocation.arguments[0]), CopyPlace(invocation.arguments[1])) {
        case (.container(let name, let source), .local(let target)):
            try copy.fromContainer(name, source, to: target)
        case (.local(let source), .container(let name, let target)):
            try copy.toContainer(source, name, target)
        case (.container(let name, let source), .container(let other, let target)):
            try copy.between(name, source, other, target)
        case (.local, .local):
            throw CommandError(.invalidArgument, "must specify at least one container source")
        }
        return 0
    }
}

/// One use of `cp`.
private struct CopyRun {
    /// What is at a path of a container.
    private struct Status {
        let isDirectory: Bool
        let isLink: Bool
        let isRegular: Bool
        let linkTarget: String

        init(_ head: ResponseHead) throws {
            guard let field = head.header("x-docker-container-path-stat"), let bytes = Base64.decode(field),
                let value = try? JSONValue(parsing: bytes), let mode = value["mode"]?.integerValue
            else {
                throw CommandError(.daemon, "unable to get resource stat from response: the daemon sent none")
            }
            isDirectory = mode & 1 << 31 != 0
            isLink = mode & 1 << 27 != 0
            isRegular = mode & (1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19) == 0
            linkTarget = value["linkTarget"]?.stringValue ?? ""
        }
    }

    let invocation: Invocation
    let keepsOwners: Bool
    let followsLink: Bool
    let isQuiet: Bool

    private func request(
        _ method: EngineRequest.Method, _ name: String, _ path: String,
        _ more: [(name: String, value: String)] = []
    ) throws -> EngineRequest {
        try .container(method, name, "archive", query: [(name: "path", value: path)] + more)
    }

    private func status(_ name: String, _ path: String) throws -> Status {
        try Status(try invocation.client.send(try request(.head, name, path)).head)
    }

    /// nil where there is nothing.
    private func statusIfThere(_ name: String, _ path: String) throws -> Status? {
        do {
            return try status(name, path)
        } catch let error as EngineError where error.status == 404 {
            // A container that is not there is told of by the request that follows.
            return nil
        }
    }

    private func report(_ bytes: Int64, _ target: String) {
        if !isQuiet {
            Output.error("Successfully copied \(HumanUnits.size(Double(bytes), digits: 3)) to \(target)")
        }
    }

    // MARK: - Out of a container

    func fromContainer(_ name: String, _ path: String, to target: String) throws {
        guard !path.isEmpty else { throw CommandError(.invalidArgument, "source can not be empty") }
        let target = target == "-" ? "-" : CopyPath.absolute(target)
        var (source, rename) = (path, String?.none)
        if followsLink, let status = try statusIfThere(name, path), status.isLink {
            source = status.linkTarget
            rename = CopyPath.split(path).base
        }
        if target != "-" { try requireParent(of: target) }
        let response = try invocation.client.send(try request(.get, name, source))
        let status = try Status(response.head)
        if target == "-" { return try ArchiveOutput.write(response, to: "", "cp") }
        let (directory, base) = try place(
            CopyPath.absolute(target), source: CopyPath.split(source).base, status.isDirectory)
        var extraction = try LocalExtraction(into: directory)
        extraction.rename = base ?? rename
        extraction.keepsOwners = keepsOwners && geteuid() == 0
        let count = try extraction.run { try response.nextPiece() }
        report(count, target)
    }

    private func requireParent(of path: String) throws {
        let folder = CopyPath.split(path).directory
        guard ArchiveFolder.isFolder(folder) else {
            throw CommandError(
                .environment, "invalid output path: directory \"\(folder)\" does not exist")
        }
    }

    /// Where an archive is unpacked on this machine, and what its first name becomes.
    private func place(
        _ target: String, source: String, _ isDirectory: Bool
    ) throws -> (directory: String, base: String?) {
        var status = stat()
        let exists = stat(CopyPath.clean(target), &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR { return (CopyPath.clean(target), nil) }
        if exists, isDirectory { throw CommandError(.environment, "cannot copy directory") }
        if exists, CopyPath.asksForDirectory(target) { throw CommandError(.environment, "not a directory") }
        if !exists, !isDirectory, CopyPath.asksForDirectory(target) {
            throw CommandError(.environment, "no such directory")
        }
        // A link is followed to what it names.
        let clean = CopyPath.clean(target)
        var linked = clean
        if exists, let real = realpath(clean, nil) {
            linked = String(cString: real)
            free(real)
        }
        let (directory, base) = CopyPath.split(linked)
        return (directory, base)
    }

    // MARK: - Into a container

    /// Where in the container an archive is unpacked, and what its first name is.
    private func place(
        _ name: String, _ target: String, source: String, _ isDirectory: Bool
    ) throws -> (directory: String, base: String, shown: String) {
        var path = target
        var status = try statusIfThere(name, target)
        if let found = status, found.isLink {
            path = found.linkTarget
            status = try statusIfThere(name, path)
        }
        if let status, !status.isDirectory, !status.isRegular, !status.isLink {
            throw CommandError(
                .environment,
                "destination \"\(name):\(target)\" must be a directory or a regular file: got a device")
        }
        if let status, status.isDirectory { return (path, source, path) }
        if status != nil, isDirectory { throw CommandError(.environment, "cannot copy directory") }
        if status == nil, !isDirectory, CopyPath.asksForDirectory(path) {
            throw CommandError(.environment, "no such directory")
        }
        let (directory, base) = CopyPath.split(path)
        return (directory, base, path)
    }

    private func upload(
        _ name: String, _ directory: String, _ next: () throws -> [UInt8]
    ) throws {
        var more = [(name: "noOverwriteDirNonDir", value: "true")]
        if keepsOwners { more.append((name: "copyUIDGID", value: "true")) }
        let response = try invocation.client.upload(
            try request(.put, name, directory, more), contentType: "application/x-tar", next)
        _ = try response.readAll()
    }

    func toContainer(_ source: String, _ name: String, _ target: String) throws {
        guard !target.isEmpty else { throw CommandError(.invalidArgument, "destination can not be empty") }
        if source == "-" { return try standardInput(name, target) }
        let path = CopyPath.absolute(source)
        var resolved = CopyPath.clean(path)
        var status = stat()
        let follows = followsLink || CopyPath.asksForDirectory(path)
        guard (follows ? stat(resolved, &status) : lstat(resolved, &status)) == 0 else {
            let error = SystemCallError(call: "lstat")
            throw CommandError(.environment, "lstat \(resolved): \(FileReason.text(error))")
        }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        if CopyPath.asksForDirectory(path), !isDirectory {
            throw CommandError(.environment, "\(resolved): not a directory")
        }
        if follows, let real = realpath(resolved, nil) {
            resolved = String(cString: real)
            free(real)
        }
        let (directory, base, shown) = try place(
            name, target, source: CopyPath.split(path).base, isDirectory)
        let archive = try LocalArchive(resolved, as: base)
        try upload(name, directory) { try archive.next() }
        report(archive.count, "\(name):\(shown)")
    }

    private func standardInput(_ name: String, _ target: String) throws {
        var path = target
        var status = try status(name, target)
        if status.isLink {
            path = status.linkTarget
            status = try self.status(name, path)
        }
        guard status.isDirectory else {
            throw CommandError(.environment, "destination \"\(name):\(target)\" must be a directory")
        }
        let reader = try ArchiveReader(path: "-")
        var count: Int64 = 0
        try upload(name, path) {
            let piece = try reader.next()
            count += Int64(piece.count)
            return piece
        }
        report(count, "\(name):\(path)")
    }

    // MARK: - Between containers

    /// The archive goes from one answer into the other request; Docker's command refuses this.
    func between(_ name: String, _ path: String, _ other: String, _ target: String) throws {
        guard !path.isEmpty else { throw CommandError(.invalidArgument, "source can not be empty") }
        guard !target.isEmpty else { throw CommandError(.invalidArgument, "destination can not be empty") }
        var source = path
        var found = try status(name, path)
        if found.isLink, followsLink {
            source = found.linkTarget
            found = try status(name, source)
        }
        let (directory, base, shown) = try place(
            other, target, source: CopyPath.split(path).base, found.isDirectory)
        let response = try invocation.client.send(
            try request(.get, name, source, [(name: "skiff-name", value: base)]))
        var count: Int64 = 0
        try upload(other, directory) {
            let piece = try response.nextPiece()
            count += Int64(piece.count)
            return piece
        }
        report(count, "\(other):\(shown)")
    }
}

extension EngineResponse {
    /// The next piece of the body; empty at its end.
    fileprivate func nextPiece() throws(EngineError) -> [UInt8] {
        var piece: [UInt8] = []
        while piece.isEmpty {
            guard try readPiece({ piece = Array($0) }) else { return [] }
        }
        return piece
    }
}
