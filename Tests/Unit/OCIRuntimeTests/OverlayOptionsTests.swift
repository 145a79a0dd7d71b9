@testable import OCIRuntime
import Testing

struct OverlayOptionsTests {
    @Test func olderKernelsGetNamesRelativeToTheCommonParent() throws {
        let overlay = OverlayFilesystem(
            lower: ["/var/lib/skiff/overlay2/a/diff", "/var/lib/skiff/overlay2/b/diff"],
            upper: "/var/lib/skiff/overlay2/c/diff", work: "/var/lib/skiff/overlay2/c/work", volatile: true)
        let (directory, options) = try overlay.classicOptions()
        #expect(directory == "/var/lib/skiff/overlay2")
        let features = "metacopy=off,redirect_dir=off,index=off"
        #expect(options == "lowerdir=a/diff:b/diff,upperdir=c/diff,workdir=c/work,\(features),volatile")
    }

    @Test func moreThanAPageOfOptionsIsRefusedWithTheReason() {
        let lower = (0..<200).map { "/x/\($0)-abcdefghijklmnopqrstuvwxyz/diff" }
        let error = #expect(throws: RuntimeError.self) {
            try OverlayFilesystem(lower: lower).classicOptions()
        }
        #expect(error?.code == .unsupported && error?.message.contains("200 layers") == true)
    }

    @Test func namesThatTheOldCallWouldMisreadAreRefused() {
        #expect(throws: RuntimeError.self) {
            try OverlayFilesystem(lower: ["/x/a:b/diff", "/x/c/diff"]).classicOptions()
        }
    }

    @Test(arguments: [("/a/b/c", "/a/b", "c"), ("/a", "/", "a"), ("/", "/", ""), ("/a/", "/", "a")])
    func aPathIsSplitAtItsLastName(_ path: String, _ parent: String, _ name: String) {
        let split = RootTree.split(path)
        #expect(split.parent == parent && split.name == name)
    }
}
