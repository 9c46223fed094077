import Records
import TensorFiles

extension RunStore {
  /// Whether a finished cell has no whole file with its model.
  func lacksModel(of record: CellRecord) -> Bool {
    guard record.status == .finished else { return false }
    guard let path = try? modelPath(record.key) else { return true }
    return !ModelFile.isThere(path, key: record.key)
  }

  /// Writes a cell's model in place of any that is there.
  ///
  /// - Throws: `StoreError` where it cannot be written.
  func write(_ model: ModelFile) throws(StoreError) {
    let path = try modelPath(model.key)
    try makeModelsFolder()
    do throws(TensorFileError) {
      try model.write(to: path)
    } catch {
      throw StoreError(path, ModelFileError(error).problem, .system)
    }
  }
}
