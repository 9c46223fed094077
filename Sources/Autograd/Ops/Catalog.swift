/// The cases of all operations.
///
/// A listed case is tested by being listed.
package enum OpCatalog {
  package static let all: [OpCase] =
    linearCases
    + attentionCases
    + crossEntropyCases
    + pointwiseCases
    + gateCases
    + broadcastCases
    + normCases
    + embeddingCases
    + rotaryCases
    + reshapeCases
    + matrixScanCases
    + cellCases
    + convolutionCases

  /// Cases of training's sizes, for speed only.
  package static let timings: [OpCase] =
    linearTimings
    + attentionTimings
    + scanTimings
    + cellTimings
    + convolutionTimings
    + crossEntropyTimings
}
