import CZstd
import Glibc
import LinuxKernel

/// Makes a layer's tar archive again from its recipe and its unpacked files.
final class LayerRecipeReader {
    private let folder: String
    private let tree: LayerTree
    /// Paths that were displaced.
    private(set) var displacements = DisplacementIndex()
    private var displacedTree: LayerTree?
    private let chunk = Chunk()

    /// - Parameter folder: the layer's, which holds the recipe, `diff` and `displaced`
    init(folder: String) throws {
        self.folder = folder
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        let content = "\(folder)/\(LayerRecipe.contentFolder)"
        tree = LayerTree(root: try openFile(content, flags))
        let displaced = "\(folder)/\(LayerRecipe.displacedFolder)"
        guard fileExists(displaced) else { return }
        displacedTree = LayerTree(root: try openFile(displaced, flags))
        var position = 0
        try records { tag, payload in
            position += 1
            guard tag == .displaced else { return }
            displacements.add(Array(payload[4...]), as: Int(Self.number(payload, 4)), at: position)
        }
    }

    /// - Throws: `ImageError` (`corruptedStore`) where a file is not what the recipe says
    func write(to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        var position = 0
        try records { tag, payload in
            position += 1
            switch tag {
            case .literal: try sink(payload)
            case .file:
                let size = Int64(clamping: Self.number(payload, 8))
                try copy(Array(payload[8...]), size, position, sink)
            case .displaced, .end: break
            }
        }
    }

    private static func number(_ payload: UnsafeRawBufferPointer, _ width: Int) -> UInt64 {
        var number: UInt64 = 0
        for index in (0..<width).reversed() { number = number << 8 | UInt64(payload[index]) }
        return number
    }

    // MARK: - Files

    private func copy(
        _ path: [UInt8], _ size: Int64, _ position: Int, _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let file = Descriptor(owning: try open(path, position))
        let raw = file.rawValue
        var left = size
        while left > 0 {
            let count = try systemCall("read") { read(raw, chunk.base, min(Chunk.capacity, Int(left))) }
            guard count > 0 else {
                throw damaged("\(String(decoding: path, as: UTF8.self)) is shorter than it was")
            }
            try sink(UnsafeRawBufferPointer(start: chunk.base, count: count))
            left -= Int64(count)
        }
    }

    /// Follows the file to where later entries of the layer have moved it.
    private func open(_ path: [UInt8], _ position: Int) throws -> Int32 {
        var path = path
        var tree = self.tree
        if !displacements.isEmpty, let displacedTree,
            let (number, length) = displacements.first(of: path, after: position)
        {
            path = Array(String(number).utf8) + path[length...]
            tree = displacedTree
        }
        let slash = path.lastIndex(of: UInt8(ascii: "/"))
        do {
            let parent = try tree.directory(path, slash ?? 0, create: false)
            let base = path[(slash.map { $0 + 1 } ?? 0)...].map { CChar(bitPattern: $0) } + [0]
            return try systemCall("openat") { openat(parent, base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        } catch {
            throw damaged("\(String(decoding: path, as: UTF8.self)): \(error)")
        }
    }

    private func damaged(_ reason: String) -> ImageError {
        ImageError(.corruptedStore, "the unpacked layer in \(folder) was changed: \(reason)")
    }

    // MARK: - Records

    private func records(_ body: (LayerRecipe.Tag, UnsafeRawBufferPointer) throws -> Void) throws {
        let file = try openFile("\(folder)/\(LayerRecipe.fileName)", O_RDONLY)
        let source = DecompressingSpanSource(
            ReadingSpanSource(DescriptorSource(file)), try ZstdDecompressor())
        var buffer: [UInt8] = []
        var offset = 0
        /// Makes at least `count` bytes available behind `offset`.
        func fill(_ count: Int) throws {
            if buffer.count - offset >= count { return }
            buffer.removeSubrange(..<offset)
            offset = 0
            while buffer.count < count {
                let span = try source.nextSpan()
                guard !span.isEmpty else { throw damaged("its recipe is truncated") }
                buffer.append(contentsOf: span)
            }
        }
        try fill(1)
        guard buffer[0] == LayerRecipe.version else { throw damaged("its recipe has an unknown version") }
        offset = 1
        while true {
            try fill(5)
            guard let tag = LayerRecipe.Tag(rawValue: buffer[offset]) else {
                throw damaged("its recipe is invalid")
            }
            let length = (1...4).reversed().reduce(0) { $0 << 8 | Int(buffer[offset + $1]) }
            if tag == .end { return }
            guard length >= tag.numberWidth else { throw damaged("its recipe is invalid") }
            try fill(5 + length)
            try buffer.withUnsafeBytes {
                try body(tag, UnsafeRawBufferPointer(rebasing: $0[offset + 5..<offset + 5 + length]))
            }
            offset += 5 + length
        }
    }
}
