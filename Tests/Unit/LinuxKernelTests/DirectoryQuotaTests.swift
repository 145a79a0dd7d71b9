import Foundation
import Glibc
import LinuxKernel
import Testing

/// A file system of its own, mounted from a loop device in a mount namespace that ends with the test.
private struct LoopFileSystem {
    /// Why there can be none; nil where there can.
    static let obstacle: String? = {
        if getuid() != 0 { return "loop devices need root" }
        if access("/dev/loop-control", R_OK | W_OK) != 0 { return "there are no loop devices" }
        if !["/sbin", "/usr/sbin", "/bin", "/usr/bin"].contains(where: { fileExists($0 + "/mkfs.btrfs") }) {
            return "mkfs.btrfs (package btrfs-progs) is missing"
        }
        let types = (try? readFile("/proc/filesystems")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return types.contains("\tbtrfs\n") ? nil : "this kernel has no btrfs"
    }()

    /// Runs `body` on a thread that alone sees the mount.
    static func with(
        _ type: String, _ options: String = "", _ body: @escaping @Sendable (String) throws -> Void
    ) throws {
        nonisolated(unsafe) var outcome: Result<Void, any Error> = .success(())
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            outcome = Result {
                let folder = "/tmp/skiff-quota-\(UInt64.random(in: 0...UInt64.max))"
                try makeDirectories(folder)
                defer { rmdir(folder) }
                try unshareNamespaces(.mount)
                try shell("mount --make-rprivate /; mount -t tmpfs tmpfs \(folder)")
                defer { unmount(folder) }
                try shell(
                    "truncate -s 200M \(folder)/image; mkdir \(folder)/mounted; "
                        + "mkfs.\(type) -q \(folder)/image; mount -o loop,\(options) \(folder)/image \(folder)/mounted"
                )
                defer { unmount(folder + "/mounted") }
                try body(folder + "/mounted")
            }
            done.signal()
        }
        done.wait()
        try outcome.get()
    }

    private static func unmount(_ path: String) {
        do { try LinuxKernel.unmount(path) } catch { Issue.record("\(error)") }
    }
}

private func shell(_ script: String) throws {
    let result = try ChildOutput.run(["sh", "-ec", script])
    try #require(result.status == 0, "\(script): \(result.text)")
}

/// Writes `bytes` to a new file: the errno of what failed, or 0.
private func fill(_ path: String, bytes: Int) throws -> Int32 {
    let file = try openFile(path, O_WRONLY | O_CREAT)
    do throws(SystemCallError) {
        for _ in 0..<(bytes >> 20) { try writeAll(file.rawValue, [UInt8](repeating: 7, count: 1 << 20)) }
        try systemCall("fsync") { fsync(file.rawValue) }
        return 0
    } catch {
        return error.errno
    }
}

@Suite(.enabled(if: LoopFileSystem.obstacle == nil, "\(LoopFileSystem.obstacle ?? "")"))
struct DirectoryQuotaTests {
    @Test func btrfsLimitsADirectoryThatBecameASubvolume() throws {
        try LoopFileSystem.with("btrfs") { root in
            let folder = root + "/data"
            try makeDirectories(folder)
            try #require(chmod(folder, 0o2751) == 0 && chown(folder, 7, 8) == 0)
            #expect(try DirectoryQuota.usage(of: folder) == nil)
            try DirectoryQuota.requireSupport(at: root)
            try DirectoryQuota.limit(directory: folder, bytes: 16 << 20)
            var status = stat()
            #expect(lstat(folder, &status) == 0 && status.st_mode & 0o7777 == 0o2751)
            #expect(status.st_uid == 7 && status.st_gid == 8)
            #expect(!fileExists(folder + ".quota"))
            #expect(try DirectoryQuota.usage(of: folder)?.limit == 16 << 20)

            #expect(try fill(folder + "/small", bytes: 8 << 20) == 0)
            #expect(try fill(folder + "/big", bytes: 12 << 20) == EDQUOT)
            #expect(try fill(root + "/beside", bytes: 24 << 20) == 0)
            // The limit moves with the directory, and can be raised.
            try #require(rename(folder, root + "/moved") == 0)
            try DirectoryQuota.limit(directory: root + "/moved", bytes: 64 << 20)
            #expect(try fill(root + "/moved/big", bytes: 24 << 20) == 0)
            try DirectoryQuota.release(directory: root + "/moved")
            #expect(try DirectoryQuota.usage(of: root + "/moved")?.limit == nil)
            #expect(try fill(root + "/moved/bigger", bytes: 48 << 20) == 0)
            try removeTree(root + "/moved")
            #expect(!fileExists(root + "/moved"))
        }
    }

    @Test func aDirectoryWithContentGetsNoLimitAndKeepsItsContent() throws {
        try LoopFileSystem.with("btrfs") { root in
            try makeDirectories(root + "/data/content")
            #expect(
                throws: DirectoryQuotaError.failed(
                    SystemCallError(call: "limit", errno: ENOTEMPTY, subject: root + "/data"))
            ) {
                try DirectoryQuota.limit(directory: root + "/data", bytes: 16 << 20)
            }
            #expect(fileExists(root + "/data/content"))
        }
    }

    @Test func whatACrashLeftOfALimitIsReplaced() throws {
        try LoopFileSystem.with("btrfs") { root in
            try makeDirectories(root + "/data.quota/half")
            try makeDirectories(root + "/data")
            try DirectoryQuota.limit(directory: root + "/data", bytes: 16 << 20)
            #expect(!fileExists(root + "/data.quota"))
            #expect(try DirectoryQuota.usage(of: root + "/data")?.limit == 16 << 20)
        }
    }

    @Test func ext4WithoutProjectQuotasIsRefusedByName() throws {
        try LoopFileSystem.with("ext4") { root in
            try makeDirectories(root + "/data")
            let refusal = DirectoryQuotaError.unsupported(
                reason: "the file system at \(root)/data (ext4) keeps no project quotas; "
                    + "sizes need btrfs, or xfs or ext4 mounted with the option prjquota")
            #expect(throws: refusal) {
                try DirectoryQuota.limit(directory: root + "/data", bytes: 1 << 20)
            }
            #expect(try DirectoryQuota.usage(of: root + "/data") == nil)
            try DirectoryQuota.release(directory: root + "/data")
        }
    }
}
