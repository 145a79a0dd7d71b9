import Glibc
import LinuxKernel
import Testing

@testable import ImageStore

@Suite(.enabled(if: getuid() == 0, "making devices and owners needs root")) struct TreeCopyTests {
    /// What `script` (run in an empty folder) leaves, and what its copy looks like, as `find` and `sha256sum` print it.
    private func listings(_ script: String) throws -> (source: String, copy: String) {
        let prepare = """
            set -e; d=$(mktemp -d /tmp/skiff-tree-XXXXXX); mkdir $d/a $d/b; cd $d/a; \(script)
            echo -n $d
            """
        let folder = try ChildOutput.run(["sh", "-c", prepare]).text
        defer { _ = try? ChildOutput.run(["rm", "-rf", folder]) }
        let source = try openFile(folder + "/a", O_RDONLY | O_DIRECTORY)
        let target = try openFile(folder + "/b", O_RDONLY | O_DIRECTORY)
        try TreeCopy.copy(from: source.rawValue, to: target.rawValue)
        let list = """
            find . -type d -printf '%p %m %U %G %T@\\n' | sort; \
            find . ! -type d -printf '%p %y %m %U %G %s %n %l %T@\\n' | sort; find . -type f | sort | xargs -d '\\n' sha256sum; \
            find . -links +1 ! -type d -printf '%p %i\\n' | sort | awk '{if(!($2 in m))m[$2]=++n; print $1, m[$2]}'; \
            find . -type f | sort | xargs -d '\\n' getfattr -d -m - 2>/dev/null; find . -type f -size +1M -printf '%p %S\\n'
            """
        return (
            try ChildOutput.run(["sh", "-c", "cd \(folder)/a; \(list)"]).text,
            try ChildOutput.run(["sh", "-c", "cd \(folder)/b; \(list)"]).text
        )
    }

    @Test func everyKindOfFileIsCopiedWithItsAttributes() throws {
        let (source, copy) = try listings(
            """
            mkdir -p d/e; echo hi > d/e/f; chmod 4755 d/e/f; chown 12:34 d/e; ln -s /etc/passwd link
            ln d/e/f hard; mkfifo fifo; mknod null c 1 3; chmod 640 null; touch -d 2001-01-01 old
            printf x > 'name with space'; printf y > "$(printf 'bad\\377name')"; chmod 1777 .
            truncate -s 8M sparse; printf end >> sparse
            """)
        #expect(source == copy)
        #expect(source.contains("./hard"))
    }

    @Test func thousandsOfLinkedFilesNeedNoDescriptorEach() throws {
        let (source, copy) = try listings(
            "mkdir x y; for i in $(seq 3000); do : > x/$i; done; cp -al x/. y/")
        #expect(source == copy)
    }

    @Test func aTreeOfFourHundredLevelsIsCopied() throws {
        let (source, copy) = try listings(
            "p=; for i in $(seq 400); do p=${p}dd/; done; mkdir -p $p; echo 1 > ${p}f")
        #expect(source == copy)
    }
}
