import Glibc
import JSONCodec
import LinuxKernel
import ShimProtocol
import Testing

/// A small generator with a seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct FrameTests {
    @Test(arguments: 1...50) func framesSurviveAnySplitOfTheirBytes(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let texts = (0..<20).map { _ in
            (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
            }
        }
        let bytes = try texts.flatMap { try ShimFrame(text: $0).bytes() }
        var reader = ShimFrameReader()
        var found: [[UInt8]] = []
        var offset = 0
        while offset < bytes.count {
            let end = min(bytes.count, offset + Int.random(in: 1...200, using: &random))
            reader.append(bytes[offset..<end])
            offset = end
            while let frame = try reader.next() { found.append(frame.text) }
        }
        #expect(found == texts)
        #expect(!reader.isInsideFrame)
    }

    @Test func descriptorsGoToTheFrameThatDeclaresThem() throws {
        let descriptors = try (0..<3).map { _ in SharedDescriptor(try openFile("/dev/null", O_RDONLY)) }
        let first = try ShimFrame(text: [1], descriptors: [descriptors[0]]).bytes()
        let second = try ShimFrame(text: [2]).bytes()
        let third = try ShimFrame(text: [3], descriptors: Array(descriptors[1...])).bytes()
        var reader = ShimFrameReader()
        reader.append(first, [descriptors[0]])
        reader.append(second + third, Array(descriptors[1...]))
        #expect(try reader.next()?.descriptors.map(\.rawValue) == [descriptors[0].rawValue])
        #expect(try reader.next()?.descriptors.isEmpty == true)
        #expect(try reader.next()?.descriptors.map(\.rawValue) == descriptors[1...].map(\.rawValue))
        #expect(try reader.next() == nil)
    }

    @Test func frameWithoutItsDescriptorsIsRefused() throws {
        let descriptor = SharedDescriptor(try openFile("/dev/null", O_RDONLY))
        var reader = ShimFrameReader()
        reader.append(try ShimFrame(text: [1], descriptors: [descriptor]).bytes())
        #expect(throws: ShimError.self) { try reader.next() }
    }

    @Test(arguments: [[0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0], [0, 0, 0, 0, 0xFF, 0, 0, 0]] as [[UInt8]])
    func frameOverALimitIsRefusedByItsHeader(header: [UInt8]) {
        var reader = ShimFrameReader()
        reader.append(header)
        #expect(throws: ShimError.self) { try reader.next() }
    }

    @Test func headersOfClientStreamsAreDockers() {
        #expect(StreamFrame.header(.output, length: 5) == [1, 0, 0, 0, 0, 0, 0, 5])
        #expect(StreamFrame.header(.error, length: 0x0102_0304) == [2, 0, 0, 0, 1, 2, 3, 4])
    }
}
