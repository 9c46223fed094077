import Platform

extension Grid {
  /// Reads a grid file.
  ///
  /// - Parameter path: The file's path, which is also its name in messages.
  /// - Returns: The grid, not yet checked against a catalogue.
  /// - Throws: `GridError` where the file cannot be read or is not a grid.
  public static func read(_ path: String) throws(GridError) -> Grid {
    let bytes: [UInt8]
    do {
      bytes = try Files.read(path)
    } catch {
      throw GridError(
        SourcePosition(path), "cannot read the grid: \(error.reason)", status: .noInput)
    }
    return try Grid(bytes: bytes, file: path)
  }
}
