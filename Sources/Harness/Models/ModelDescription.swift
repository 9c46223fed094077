package import Configuration
package import Records

/// What `predict --describe` says of a model's file.
package struct ModelDescription: Encodable, Sendable {
  /// A tensor of the file.
  package struct Tensor: Encodable, Sendable {
    package let name: String
    package let shape: [Int]
  }

  package let key: String
  package let labels: CellLabels
  package let vocabulary: Int
  package let maximumLength: Int
  package let selectedStep: Int
  package let parameters: Int
  package let tensors: [Tensor]
  package let configuration: CellConfiguration
  package let versions: CellVersions
}

extension ModelFile {
  package var description: ModelDescription {
    ModelDescription(
      key: key, labels: labels, vocabulary: vocabulary, maximumLength: maximumLength,
      selectedStep: selectedStep, parameters: parameters.reduce(0) { $0 + $1.elements.count },
      tensors: parameters.map { .init(name: $0.name, shape: $0.shape) },
      configuration: configuration, versions: versions)
  }
}
