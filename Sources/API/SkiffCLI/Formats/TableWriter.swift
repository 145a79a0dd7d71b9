/// Aligns cells separated by tabs, as Go's text/tabwriter does with spaces: a column reaches over neighbouring lines
/// that have a further cell behind it.
struct TableWriter {
    var minimumWidth = 10
    var padding = 3

    /// - Parameter text: lines whose cells are separated by tabs
    func align(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        let rows = lines.map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
        let widths = columnWidths(rows)
        var output = ""
        for (index, row) in rows.enumerated() {
            for (column, cell) in row.enumerated() {
                output += cell
                guard column < row.count - 1 else { continue }
                let length = cell.unicodeScalars.count
                output += String(repeating: " ", count: max(0, widths[index][column] - length))
            }
            output += "\n"
        }
        return output
    }

    /// The width of each cell that a tab ends.
    private func columnWidths(_ rows: [[Substring]]) -> [[Int]] {
        var widths = rows.map { Array(repeating: 0, count: max(0, $0.count - 1)) }
        for column in 0..<(rows.map(\.count).max() ?? 0) {
            var start = 0
            while start < rows.count {
                guard widths[start].count > column else {
                    start += 1
                    continue
                }
                var end = start
                var width = minimumWidth
                while end < rows.count, widths[end].count > column {
                    width = max(width, rows[end][column].unicodeScalars.count + padding)
                    end += 1
                }
                for row in start..<end { widths[row][column] = width }
                start = end
            }
        }
        return widths
    }
}
