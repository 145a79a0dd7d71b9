import OCIModel

/// Limits of huge pages, by page size.
enum HugepageController {
    static func apply(_ limits: [RuntimeHugepageLimit], v1 directory: CgroupDirectory) throws(CgroupError) {
        for limit in limits {
            try directory.write("hugetlb.\(try checked(limit.pageSize)).limit_in_bytes", String(limit.limit))
        }
    }

    static func apply(_ limits: [RuntimeHugepageLimit], v2 directory: CgroupDirectory) throws(CgroupError) {
        for limit in limits {
            try directory.write("hugetlb.\(try checked(limit.pageSize)).max", String(limit.limit))
        }
    }

    /// The size becomes part of a file's name.
    private static func checked(_ size: String) throws(CgroupError) -> String {
        guard size.hasSuffix("B"),
            size.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) })
        else { throw CgroupError(.invalidValue, "huge page size \(size): must be such as 2MB or 1GB") }
        return size
    }
}
