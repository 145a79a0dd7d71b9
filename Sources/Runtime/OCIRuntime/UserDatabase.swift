import Glibc
import LinuxKernel

/// A user resolved to numbers.
package struct ResolvedUser: Equatable {
    package var uid: UInt32 = 0
    package var gid: UInt32 = 0
    var groups: [UInt32] = []
    var home = "/"
}

/// A container's passwd and group files (passwd(5), group(5)), read without the C library, whose name service switch
/// static programs do not have. Lines that are not of the format are skipped, as everywhere.
package struct UserDatabase {
    struct User: Equatable {
        let name: String
        let uid: UInt32
        let gid: UInt32
        let home: String
    }

    struct Group: Equatable {
        let name: String
        let gid: UInt32
        let members: [String]
    }

    let users: [User]
    let groups: [Group]

    package init(passwd: [UInt8], group: [UInt8]) {
        users = Self.lines(passwd).compactMap { fields in
            guard fields.count >= 4, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else {
                return nil
            }
            return User(name: fields[0], uid: uid, gid: gid, home: fields.count > 5 ? fields[5] : "")
        }
        groups = Self.lines(group).compactMap { fields in
            guard fields.count >= 3, let gid = UInt32(fields[2]) else { return nil }
            let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            return Group(name: fields[0], gid: gid, members: members)
        }
    }

    /// The files of the current root; absent ones count as empty.
    static func ofCurrentRoot() -> UserDatabase { of(root: AT_FDCWD) }

    /// The files of a container's root, by its descriptor.
    static func of(root: Int32) -> UserDatabase {
        UserDatabase(passwd: content("/etc/passwd", root), group: content("/etc/group", root))
    }

    /// The image decides what this path is: nothing but a regular file of sane size is read.
    private static func content(_ path: String, _ root: Int32) -> [UInt8] {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        let opened =
            root == AT_FDCWD
            ? try? openFile(path, flags)
            : try? openBelow(root, path, flags | O_CLOEXEC, [.inRoot, .noMagicLinks])
        guard let file = opened else { return [] }
        var status = stat()
        guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
        return (try? readAll(file.rawValue, limit: 16 << 20)) ?? []
    }

    private static func lines(_ bytes: [UInt8]) -> [[String]] {
        bytes.split(separator: 10).compactMap { line in
            guard let first = line.first, first != UInt8(ascii: "#") else { return nil }
            return line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    func user(uid: UInt32) -> User? { users.first { $0.uid == uid } }

    /// Resolves `user[:group]` and further groups as Docker does: a name must be in the files, a number need not.
    package func resolve(_ request: UserRequest) throws(RuntimeError) -> ResolvedUser {
        let parts = request.user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let userPart = String(parts.first ?? "")
        let groupPart = parts.count > 1 ? String(parts[1]) : ""
        var result = ResolvedUser()
        let number = UInt32(userPart)
        let found = users.first { userPart.isEmpty ? $0.uid == 0 : $0.name == userPart || $0.uid == number }
        if let found {
            result = ResolvedUser(uid: found.uid, gid: found.gid, home: found.home)
        } else if let number {
            result.uid = try Self.inRange(number)
        } else if !userPart.isEmpty {
            throw RuntimeError(
                .unknownUser, "unable to find user \(userPart): no matching entries in passwd file")
        }
        if !groupPart.isEmpty {
            result.gid = try gid(
                groupPart, "unable to find group \(groupPart): no matching entries in group file")
        } else if let found {
            result.groups = groups.filter { $0.members.contains(found.name) }.map(\.gid)
        }
        for name in request.additionalGroups {
            result.groups.append(
                try gid(name, "Unable to find group \(name): no matching entries in group file"))
        }
        // The primary group is among the supplementary ones (CVE-2022-36109): negative group permissions hold.
        result.groups.insert(result.gid, at: 0)
        var seen: Set<UInt32> = []
        result.groups = result.groups.filter { seen.insert($0).inserted }
        if result.home.isEmpty { result.home = "/" }
        return result
    }

    private func gid(_ name: String, _ message: String) throws(RuntimeError) -> UInt32 {
        let number = UInt32(name)
        if let group = groups.first(where: { $0.name == name || $0.gid == number }) { return group.gid }
        guard let number else { throw RuntimeError(.unknownUser, message) }
        return try Self.inRange(number)
    }

    private static func inRange(_ number: UInt32) throws(RuntimeError) -> UInt32 {
        guard number <= UInt32(Int32.max) else {
            throw RuntimeError(.unknownUser, "uids and gids must be in range 0-2147483647")
        }
        return number
    }
}
