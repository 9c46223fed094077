import Harness
import Platform

/// A grid file as `list grids` prints it.
struct GridListing: Listing {
  let name: String
  let summary: String
  let path: String
  let cells: Int

  /// The grids of a folder and of the folders in it, by path.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - name: One grid's name, for only that one.
  /// - Returns: The grids.
  /// - Throws: `CommandFailure` where there is no such folder or grid, `GridError` for a bad grid.
  static func all(in folder: String, name: String? = nil) throws -> [GridListing] {
    guard Files.isFolder(folder) else {
      throw CommandFailure("\(folder): there is no such folder", status: ExitStatus.noInput)
    }
    let grids = try paths(in: folder).map { path in
      let grid = try Grid.read(path)
      let plan = try grid.plan(catalog: Hysteresis.registries.gridCatalog)
      return GridListing(
        name: plan.name, summary: plan.description, path: path, cells: plan.cells.count)
    }
    guard let name else { return grids }
    let found = grids.filter { $0.name == name }
    guard !found.isEmpty else {
      throw CommandFailure(
        "unknown grid '\(name)'; \(folder) has: " + grids.map(\.name).joined(separator: ", "),
        status: ExitStatus.data)
    }
    return found
  }

  private static func paths(in folder: String) throws -> [String] {
    try Files.list(folder).flatMap { entry -> [String] in
      let path = folder + "/" + entry
      if Files.isFolder(path) { return try paths(in: path) }
      return path.hasSuffix(".yaml") || path.hasSuffix(".yml") ? [path] : []
    }
  }

  var details: String { "\(name): \(summary)\n\(path), \(cells) cells" }
}
