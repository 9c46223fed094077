import Platform

extension RunStore {
  /// What a store has of a cell.
  package enum CellState: Sendable {
    case missing
    /// Torn or changed; what is wrong with it.
    case damaged(StoreError)
    case recorded(CellRecord)
  }

  /// Looks at the record of a key.
  ///
  /// - Throws: `StoreError` for one that is there and must not be made again: another version's, or
  ///   one that the system does not let us read.
  package func state(of key: String) throws(StoreError) -> CellState {
    guard contains(key) else { return .missing }
    do throws(StoreError) {
      return .recorded(try read(key))
    } catch {
      guard error.kind == .damaged else { throw error }
      return .damaged(error)
    }
  }

  /// Moves a record that cannot be read out of the way, so that its cell counts as missing.
  ///
  /// - Parameter key: The record's key.
  /// - Returns: Where the file is now.
  /// - Throws: `StoreError` where it cannot be moved.
  @discardableResult
  public func setAside(_ key: String) throws(StoreError) -> String {
    try checkKey(key)
    return try setAside(cellPath(key), as: key, suffix: ".json")
  }

  private func setAside(
    _ path: String, as name: String, suffix: String
  ) throws(StoreError) -> String {
    let damaged = folder + "/damaged"
    var target = "\(damaged)/\(name)\(suffix)"
    var copies = 1
    while Files.exists(target) {
      copies += 1
      target = "\(damaged)/\(name)-\(copies)\(suffix)"
    }
    do throws(FileError) {
      try Files.makeFolder(damaged)
      try Files.rename(path, to: target)
    } catch {
      throw StoreError(error)
    }
    return target
  }

  // MARK: - Checkpoints

  private static let checkpointSuffix = ".safetensors"

  /// Where a cell's checkpoint is kept; the folder is made.
  ///
  /// - Throws: `StoreError` for what is no key, or where the folder cannot be made.
  package func checkpointPath(_ key: String) throws(StoreError) -> String {
    try checkKey(key)
    do throws(FileError) {
      try Files.makeFolder(checkpointsFolder)
    } catch {
      throw StoreError(error)
    }
    return checkpointFile(key)
  }

  private func checkpointFile(_ key: String) -> String {
    "\(checkpointsFolder)/\(key)\(Self.checkpointSuffix)"
  }

  /// The path of a cell's checkpoint; nil where there is none.
  package func existingCheckpoint(_ key: String) -> String? {
    guard CellKey.isValid(key), Files.exists(checkpointFile(key)) else { return nil }
    return checkpointFile(key)
  }

  /// Moves a checkpoint that cannot be read out of the way.
  ///
  /// - Returns: Where the file is now.
  @discardableResult
  package func setCheckpointAside(_ key: String) throws(StoreError) -> String {
    try checkKey(key)
    return try setAside(checkpointFile(key), as: key, suffix: Self.checkpointSuffix)
  }

  /// Removes the checkpoint of a cell that needs none any more.
  package func removeCheckpoint(_ key: String) {
    guard CellKey.isValid(key) else { return }
    try? Files.remove(checkpointFile(key))
  }

  // MARK: - What killed processes leave

  /// The keys of which there are files that were never finished.
  package var unfinishedKeys: Set<String> {
    Set(unfinishedFiles.map { $0.key })
  }

  /// Removes the unfinished files of a cell; for whoever holds the claim on it.
  package func removeUnfinished(_ key: String) {
    for file in unfinishedFiles where file.key == key { try? Files.remove(file.path) }
  }

  /// Removes the unfinished files of processes that are known to be gone.
  package func removeAbandoned() {
    for folder in [folder] + cellFolders { PendingFile.removeAbandoned(in: folder) }
  }

  /// Where there are files of single cells.
  private var cellFolders: [String] {
    ["cells", "timings", "checkpoints", "models"].map { "\(folder)/\($0)" }
  }

  private var unfinishedFiles: [(key: String, path: String)] {
    cellFolders.flatMap { folder in
      return ((try? Files.list(folder)) ?? []).compactMap { name in
        let key = String(name.prefix(CellKey.length))
        return name.hasSuffix(PendingFile.suffix) && CellKey.isValid(key)
          ? (key, "\(folder)/\(name)") : nil
      }
    }
  }

  /// Removes checkpoints of cells that are finished, which a process may leave that was killed
  /// between the two, and the folder where it is empty.
  ///
  /// - Parameter isWanted: Whether a recorded cell is trained once more, for its model, so that its
  ///   checkpoint is work that goes on.
  package func sweepCheckpoints(unless isWanted: (CellRecord) -> Bool = { _ in false }) {
    for name in (try? Files.list(checkpointsFolder)) ?? [] {
      let key = String(name.prefix(CellKey.length))
      guard name == key + Self.checkpointSuffix, let record = try? read(key),
        record.status != .failed, !isWanted(record)
      else { continue }
      removeCheckpoint(key)
    }
    try? Files.remove(checkpointsFolder)
  }
}
