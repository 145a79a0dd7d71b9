import LinuxKernel
import Testing

struct MountTableTests {
    @Test func everyFieldOfALineIsRead() throws {
        let line =
            "36 35 98:0 /mnt1 /mnt2\\040with\\134odd rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue"
        let entry = try #require(MountTableEntry(line: line[...]))
        #expect(entry.id == 36 && entry.parent == 35)
        #expect(entry.root == "/mnt1" && entry.mountPoint == "/mnt2 with\\odd")
        #expect(entry.options == ["rw", "noatime"])
        #expect(entry.propagation == ["shared:1", "master:2"])
        #expect(entry.type == "ext3" && entry.source == "/dev/root")
        #expect(entry.superOptions == ["rw", "errors=continue"])
    }

    @Test func linesOfAnotherFormAreRefused() {
        for line in ["", "36", "36 35 98:0 / / rw", "a b c d e f - g h i", "1 2 3 4 5 6 7 8 9"] {
            #expect(MountTableEntry(line: line[...]) == nil, "\(line)")
        }
    }

    @Test func randomBytesNeverCrashTheReader() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789 -:/\\,abc".unicodeScalars)
        for _ in 0..<5000 {
            var line = ""
            for _ in 0..<Int.random(in: 0..<60, using: &random) {
                line.unicodeScalars.append(alphabet.randomElement(using: &random) ?? " ")
            }
            _ = MountTableEntry(line: line[...])
        }
    }

    @Test func theTableOfThisProcessHasARoot() throws {
        #expect(try mountTable().contains { $0.mountPoint == "/" })
    }
}
