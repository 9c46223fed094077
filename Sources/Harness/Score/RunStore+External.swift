import Configuration
package import Records

extension RunStore {
  /// Checks that the record of a model trained elsewhere can stand beside what the store has.
  ///
  /// - Parameter record: The record.
  /// - Returns: Whether a record of the same model is there, which the new one replaces.
  /// - Throws: `PredictionProblem` where a table would mix it with something else, and `StoreError`.
  package func checkRoom(for record: CellRecord) throws -> Bool {
    let grid = try readGrid()
    let (task, model) = (record.labels.task, record.labels.model)
    // A report drops records with a label of the plan that are not the plan's.
    if grid?.cells.contains(where: { $0.labels.model == model }) == true {
      throw PredictionProblem(
        "grid '\(grid?.name ?? "")' of \(folder) has a model '\(model)' of its own; choose another "
          + "--name")
    }
    if let other = try anyRecord(of: task, grid), !other.hasTest(of: record) {
      throw PredictionProblem(
        "the task '\(task)' of \(folder) has other test examples; score those, or choose another "
          + "--label or --out")
    }
    return contains(record.key)
  }

  /// A readable record with a task's label; nil where there is none.
  private func anyRecord(of task: String, _ grid: GridManifest?) throws(StoreError) -> CellRecord? {
    let planned = (grid?.cells ?? []).filter { $0.labels.task == task }.map(\.key)
    let others = try keys().subtracting((grid?.cells ?? []).map(\.key)).sorted()
    // The plan's label is the one that counts: a record has that of the plan it was made for.
    return planned.lazy.compactMap { try? read($0) }.first
      ?? others.lazy.compactMap { try? read($0) }.first { $0.labels.task == task }
  }
}

extension CellRecord {
  /// Whether two records are of the same test examples.
  ///
  /// They are compared as they are written: a number such as 1.0 comes back from a file as 1.
  fileprivate func hasTest(of other: CellRecord) -> Bool {
    let (first, second) = (configuration.task, other.configuration.task)
    return first.name == second.name
      && RecordCoding.compact(first.test) == RecordCoding.compact(second.test)
  }
}
