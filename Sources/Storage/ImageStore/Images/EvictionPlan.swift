import OCIModel

/// Which images go so that at least so many bytes become free: the least recently used first, and no more than needed.
struct EvictionPlan {
    struct Candidate: Sendable {
        let id: Digest
        let layers: Set<Digest>
        let lastUse: Timestamp
    }

    /// Bytes on the disk by layer.
    let sizes: [Digest: Int64]
    /// Layers that stay whatever happens to the candidates.
    let kept: Set<Digest>

    /// - Returns: the images to remove, in their order; fewer bytes than `needed` where there are no more
    func choose(from candidates: [Candidate], freeing needed: Int64) -> [Digest] {
        var users: [Digest: Int] = [:]
        for candidate in candidates { for layer in candidate.layers { users[layer, default: 0] += 1 } }
        var chosen: [Candidate] = []
        var freed: Int64 = 0
        for candidate in candidates.sorted(by: { ($0.lastUse, $0.id.hex) < ($1.lastUse, $1.id.hex) }) {
            if freed >= needed { break }
            chosen.append(candidate)
            for layer in candidate.layers.subtracting(kept) {
                users[layer, default: 1] -= 1
                if users[layer] == 0 { freed += sizes[layer] ?? 0 }
            }
        }
        // Whatever turned out not to be needed stays, the most recently used first.
        var going: [Digest] = []
        for candidate in chosen.reversed() {
            let own = candidate.layers.subtracting(kept).filter { users[$0] == 0 }
            let bytes = own.reduce(0) { $0 + (sizes[$1] ?? 0) }
            if bytes == 0 || freed - bytes >= needed {
                freed -= bytes
                for layer in candidate.layers { users[layer, default: 0] += 1 }
            } else {
                going.append(candidate.id)
            }
        }
        return going.reversed()
    }
}
