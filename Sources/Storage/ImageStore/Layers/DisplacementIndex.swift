/// What later entries of a layer moved away, by path: finds where a file went without looking at every displacement.
///
/// A tree of path components. It has no more nodes than the layer has made directories and files.
struct DisplacementIndex {
    private struct Displacement {
        /// Of the record in the recipe that says so.
        let position: Int
        let number: Int
    }

    private struct Node {
        var children: [ArraySlice<UInt8>: Int] = [:]
        /// In rising order of their positions.
        var displacements: [Displacement] = []
    }

    private var nodes = [Node()]
    /// How many displacements were compared, over all questions.
    private(set) var comparisons = 0

    var isEmpty: Bool { nodes.count == 1 }

    private static let slash = UInt8(ascii: "/")

    /// - Parameter position: above all before
    mutating func add(_ path: [UInt8], as number: Int, at position: Int) {
        var node = 0
        for component in path.split(separator: Self.slash) {
            if let next = nodes[node].children[component] {
                node = next
            } else {
                nodes.append(Node())
                nodes[node].children[component] = nodes.count - 1
                node = nodes.count - 1
            }
        }
        nodes[node].displacements.append(Displacement(position: position, number: number))
    }

    /// The first displacement after `position` of the path itself or of a directory that it is in.
    /// - Returns: its number, and how many bytes of the path it stands for; nil where the path is where it was
    mutating func first(of path: [UInt8], after position: Int) -> (number: Int, length: Int)? {
        var node = 0
        var found: (position: Int, number: Int, length: Int)?
        for component in path.split(separator: Self.slash) {
            guard let next = nodes[node].children[component] else { break }
            node = next
            if let displacement = first(in: nodes[node].displacements, after: position),
                displacement.position < found?.position ?? .max
            {
                found = (displacement.position, displacement.number, component.endIndex)
            }
        }
        return found.map { ($0.number, $0.length) }
    }

    private mutating func first(in displacements: [Displacement], after position: Int) -> Displacement? {
        var (low, high) = (0, displacements.count)
        while low < high {
            comparisons += 1
            let middle = (low + high) / 2
            if displacements[middle].position > position { high = middle } else { low = middle + 1 }
        }
        return low < displacements.count ? displacements[low] : nil
    }
}
