import Platform

extension Grid {
  /// Reads a grid file.
  ///
  /// - Parameter path: The file's path, which is also its name in messages.
  /// - Returns: The grid, not yet checked against a catalogue.
  /// - Throws: `GridError` where the file cannot be read or is not a grid.
  public static func read(_ path: String) throws(GridError) -> Grid {
    let most = YAMLReader.maximumBytes
    let bytes: [UInt8]
    do {
      bytes = try Files.read(path, atMost: most + 1)
    } catch {
      throw GridError(
        SourcePosition(path), "cannot read the grid: \(error.reason)", status: .noInput)
    }
    guard bytes.count <= most else {
      throw GridError(
        SourcePosition(path, line: 1, column: 1), "the text has more than \(most) bytes",
        help: "nothing in a grid needs so many")
    }
    return try Grid(bytes: bytes, file: path)
  }
}
