import CLinux
import Glibc
import LinuxKernel
@testable import OCIRuntime
import Synchronization
import Testing

/// Mount points are found and made while somebody exchanges a folder on the way for a link that leads out.
struct MountPointRaceTests {
    private static let tries = 3000

    @Test func aMountPointIsNeverMadeOutsideOfTheRoot() throws {
        let folder = try temporaryFolder()
        defer { try? removeTree(folder) }
        for path in ["root/way/place", "outside"] { try makeDirectories("\(folder)/\(path)") }
        try systemCall("symlink") { symlink("\(folder)/outside", "\(folder)/root/way/trap") }
        let tree = RootTree(try openFile("\(folder)/root", O_PATH | O_DIRECTORY))
        try whileExchanging("\(folder)/root/way/place", "\(folder)/root/way/trap") {
            for number in 0..<Self.tries {
                // Whether it succeeds is not the question.
                if number % 2 == 0 {
                    _ = try? tree.directory("/way/place/new/\(number % 7)")
                } else {
                    _ = try? tree.file("/way/place/new/file\(number % 7)")
                }
                _ = try? tree.ordinaryDirectory("/way/place/proc")
            }
        }
        let outside = try openFile("\(folder)/outside", O_RDONLY | O_DIRECTORY)
        #expect(try entries(of: outside.rawValue).isEmpty)
    }

    private func temporaryFolder() throws -> String {
        // In memory: what is tried is how fast names can change, not how fast a disk is.
        var template = Array("/dev/shm/skiff-race-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError(call: "mkdtemp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func entries(of directory: Int32) throws -> [String] {
        guard let stream = fdopendir(dup(directory)) else { throw SystemCallError(call: "fdopendir") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    /// Exchanges two names in another thread all the time.
    private func whileExchanging(_ first: String, _ second: String, _ body: () throws -> Void) throws {
        let exchange = Exchange(first, second)
        var thread = pthread_t()
        let started = pthread_create(
            &thread, nil,
            { pointer in
                Unmanaged<Exchange>.fromOpaque(pointer!).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(exchange).toOpaque())
        guard started == 0 else { throw SystemCallError(call: "pthread_create", errno: started) }
        defer {
            exchange.isEnded.store(true, ordering: .relaxed)
            pthread_join(thread, nil)
        }
        try body()
    }
}

private final class Exchange: Sendable {
    let isEnded = Atomic(false)
    private let first: String
    private let second: String

    init(_ first: String, _ second: String) {
        self.first = first
        self.second = second
    }

    func run() {
        while !isEnded.load(ordering: .relaxed) {
            _ = skiff_rename(first, second, 2)
            // Both names get their turn, and others on this machine too.
            usleep(20)
        }
    }
}
