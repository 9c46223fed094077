import Platform

extension RunStore {
  /// The folder of the trained models.
  var modelsFolder: String { folder + "/models" }

  /// The file of a cell's trained model.
  ///
  /// - Throws: `StoreError` for what is no cell's key.
  package func modelPath(_ key: String) throws(StoreError) -> String {
    try checkKey(key)
    return "\(modelsFolder)/\(key).safetensors"
  }

  /// Makes the folder of the trained models.
  ///
  /// - Throws: `StoreError` where that is impossible.
  package func makeModelsFolder() throws(StoreError) {
    do { try Files.makeFolder(modelsFolder) } catch { throw StoreError(error) }
  }
}
