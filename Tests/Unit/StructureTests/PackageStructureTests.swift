import Testing

@Suite struct PackageStructureTests {
    private static let loaded = Result { try PackageDescription.load() }

    let package: PackageDescription

    init() throws {
        package = try Self.loaded.get()
    }

    var sources: [PackageDescription.Target] { package.targets.filter { $0.type != "test" } }

    @Test func everyTargetHasARowAndLiesInItsTier() {
        for target in sources {
            guard let row = Rules.targets[target.name] else {
                Issue.record("\(target.name) has no row in Rules.targets")
                continue
            }
            #expect(target.path == "Sources/\(row.tier)/\(target.name)")
        }
    }

    @Test func targetsDependOnlyOnWhatTheirRowAllows() {
        for target in sources {
            let allowed = Rules.reachable(from: target.name)
            for edge in target.targets where !allowed.contains(edge) {
                Issue.record("\(target.name) must not depend on \(edge)")
            }
            let products = Rules.targets[target.name]?.products ?? []
            for product in target.products where !products.contains(product) {
                Issue.record("\(target.name) must not depend on the product \(product)")
            }
        }
    }

    @Test func rowsStayInTheirOwnOrALowerTier() throws {
        for (name, row) in Rules.targets {
            let tier = try #require(Rules.tiers.firstIndex(of: row.tier))
            for edge in row.mayImport {
                let other = try #require(Rules.targets[edge], "\(edge) has no row")
                #expect(try #require(Rules.tiers.firstIndex(of: other.tier)) <= tier, "\(name) → \(edge)")
            }
        }
    }

    @Test func bareTargetsDependOnBareTargetsOnly() {
        for (name, row) in Rules.targets where row.isBare {
            #expect(row.products.isEmpty, "\(name)")
            for edge in Rules.reachable(from: name) {
                #expect(Rules.targets[edge]?.isBare == true, "\(name) → \(edge)")
            }
        }
    }

    @Test func everyLibraryHasUnitTests() {
        let tested = Set(package.targets.filter { $0.type == "test" }.map(\.name))
        for target in sources where target.type == "regular" && target.name != "CLinux" {
            #expect(tested.contains("\(target.name)Tests"), "\(target.name)")
        }
    }
}
