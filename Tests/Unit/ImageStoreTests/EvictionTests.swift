import GRDB
@testable import ImageStore
import LinuxKernel
import OCIModel
import Testing

@Suite struct EvictionTests {
    private func digest(_ number: Int) -> Digest { sha256("\(number)".utf8) }

    private func candidate(_ id: Int, _ layers: [Int], used time: Int64) -> EvictionPlan.Candidate {
        EvictionPlan.Candidate(
            id: digest(id), layers: Set(layers.map { digest($0) }), lastUse: Timestamp(seconds: time))
    }

    /// Layer n has 10 n bytes.
    private func choose(
        _ candidates: [EvictionPlan.Candidate], freeing needed: Int64, keeping kept: [Int] = []
    ) -> [Digest] {
        let sizes = Dictionary(uniqueKeysWithValues: (1...20).map { (digest($0), Int64($0 * 10)) })
        return EvictionPlan(sizes: sizes, kept: Set(kept.map { digest($0) }))
            .choose(from: candidates, freeing: needed)
    }

    @Test func leastRecentlyUsedGoesFirstAndNoMoreThanNeeded() {
        let all = [
            candidate(101, [1], used: 30), candidate(102, [2], used: 10), candidate(103, [3], used: 20),
        ]
        #expect(choose(all, freeing: 5) == [digest(102)])
        #expect(
            choose(all, freeing: 21) == [digest(103)],
            "the older one alone would not do, and is not needed then")
        #expect(choose(all, freeing: 31) == [digest(102), digest(103)])
        #expect(choose(all, freeing: 1000) == [digest(102), digest(103), digest(101)])
    }

    @Test func imagesThatFreeNothingStay() {
        let all = [candidate(101, [1], used: 10), candidate(102, [2], used: 20)]
        #expect(choose(all, freeing: 5, keeping: [1]) == [digest(102)])
        #expect(choose(all, freeing: 5, keeping: [1, 2]) == [])
    }

    @Test func imagesWithTheSameLayersGoTogether() {
        let all = [
            candidate(101, [1, 5], used: 10), candidate(102, [1, 5], used: 20),
            candidate(103, [1, 7], used: 30),
        ]
        #expect(choose(all, freeing: 50) == [digest(101), digest(102)])
        #expect(choose(all, freeing: 51) == [digest(103)])
    }

    /// Whatever is chosen frees enough where that is possible, and nothing of it could stay.
    @Test func randomStoresAreFreedAndNoMore() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let all = (0..<Int.random(in: 1...8, using: &generator)).map { number in
                candidate(
                    100 + number, (0..<3).map { _ in Int.random(in: 1...10, using: &generator) },
                    used: Int64.random(in: 0...9, using: &generator))
            }
            let kept = (0..<2).map { _ in Int.random(in: 1...10, using: &generator) }
            let needed = Int64.random(in: 1...300, using: &generator)
            func freed(_ going: [Digest]) -> Int64 {
                let stay = all.filter { !going.contains($0.id) }.reduce(into: Set(kept.map { digest($0) })) {
                    $0.formUnion($1.layers)
                }
                return (1...10).reduce(0) {
                    let isUsed = all.contains { [layer = digest($1)] in $0.layers.contains(layer) }
                    return $0 + (isUsed && !stay.contains(digest($1)) ? Int64($1 * 10) : 0)
                }
            }
            let going = choose(all, freeing: needed, keeping: kept)
            let most = freed(all.map(\.id))
            #expect(freed(going) >= min(needed, most))
            for one in going { #expect(freed(going.filter { $0 != one }) < min(needed, most)) }
        }
    }

    private func layer(_ name: String) -> ArchiveBuilder.Layer {
        var tar = TarBuilder()
        tar.file(name, String(repeating: "x", count: 100_000))
        return ArchiveBuilder.Layer(tar.finished())
    }

    private func load(
        _ fixture: StoreFixture, _ tag: String, _ layers: [ArchiveBuilder.Layer]
    ) throws -> Digest {
        var builder = ArchiveBuilder(layers: layers)
        builder.tags = [tag]
        return try #require(try fixture.load(builder.dockerSave()).images.first?.id)
    }

    @Test func sharedLayersStayWithTheImageThatStays() throws {
        let fixture = try StoreFixture()
        let (base, own, other) = (layer("base"), layer("own"), layer("other"))
        let first = try load(fixture, "first:1", [base, own])
        let second = try load(fixture, "second:1", [base, other])
        let eviction = try fixture.store.evict(
            keeping: [], uses: { $0 == second ? [ImageUse(containerID: "c", isRunning: false)] : [] }
        ) { 1 << 30 }
        #expect(eviction.missing > 0, "what is in use is not taken, however much is missing")
        #expect(try fixture.store.list().map(\.id) == [second] && first != second)
        #expect(fixture.hasLayer(base.diffID) && fixture.hasLayer(other.diffID))
        #expect(!fixture.hasLayer(own.diffID), "layers that no image uses go at once")
        #expect(!fileExists(fixture.path(own.diffID)))
    }

    /// A pull takes its time, and the budget is enforced meanwhile.
    @Test func whatAPullHasAndNeedsStays() throws {
        let fixture = try StoreFixture()
        let (base, new, old) = (layer("base"), layer("new"), layer("old"))
        _ = try load(fixture, "has-the-base:1", [base])
        _ = try load(fixture, "old:1", [old])
        let ingest = try fixture.store.beginIngest(parallelLayers: 2)
        #expect(ingest.keepIfPresent(base.diffID) && !ingest.keepIfPresent(new.diffID))
        let descriptor = ContentDescriptor(
            mediaType: MediaType.ociLayer, digest: new.digest, size: Int64(new.stored.count))
        try ingest.layer(
            descriptor, diffID: new.diffID,
            open: { MemorySource(Array(new.stored[Int($0)...])) }, report: { _ in })
        let eviction = try fixture.store.evict(keeping: [], uses: { _ in [] }) { 1 << 30 }
        #expect(eviction.removals.isEmpty == false && !fixture.hasLayer(old.diffID))
        #expect(fixture.hasLayer(base.diffID) && fixture.hasLayer(new.diffID))
        let pulled = ArchiveBuilder(layers: [base, new])
        _ = try ingest.commit(
            configuration: pulled.configuration,
            manifest: (pulled.manifest, MediaType.ociManifest, sha256(pulled.manifest)),
            references: [try Reference("example:pulled")])
        try fixture.reopen()
        #expect(try fixture.store.image("example:pulled").id == pulled.id)
        #expect(fileExists(fixture.path(base.diffID)) && fileExists(fixture.path(new.diffID)))
    }

    @Test func useOutlivesTheStoreAndDecidesWhatGoes() throws {
        let fixture = try StoreFixture()
        var ids: [Digest] = []
        for number in 0..<3 {
            var tar = TarBuilder()
            tar.file("file\(number)", String(repeating: "x", count: 100_000))
            var builder = ArchiveBuilder(layers: [ArchiveBuilder.Layer(tar.finished())])
            builder.tags = ["example:\(number)"]
            ids.append(try #require(try fixture.load(builder.dockerSave()).images.first?.id))
        }
        let later = Timestamp(seconds: Timestamp.now.seconds + 1000)
        #expect(fixture.store.noteUse(ids[0], at: later))
        #expect(
            !fixture.store.noteUse(ids[0], at: Timestamp(seconds: later.seconds + 1)), "recorded a moment ago"
        )
        try fixture.database.write { try ImageStore.recordUse(ids[0], at: later, $0) }
        try fixture.reopen()
        let eviction = try fixture.store.evict(keeping: [], uses: { _ in [] }) { 150_000 }
        #expect(eviction.missing <= 0 && eviction.reclaimed >= 200_000)
        #expect(try fixture.store.list().map(\.id) == [ids[0]])
        let used = try fixture.store.evict(
            keeping: [], uses: { _ in [ImageUse(containerID: "c", isRunning: false)] }
        ) { 1 }
        #expect(used.missing == 1 && used.removals.isEmpty)
        #expect(try fixture.store.evict(keeping: [ids[0]], uses: { _ in [] }) { 1 }.removals.isEmpty)
    }
}
