/// The cases of all operations.
///
/// A listed case is tested by being listed.
package enum OpCatalog {
  package static let all: [OpCase] =
    linearCases
    + linearsCases
    + normLinearsCases
    + linearMapsCases
    + attentionCases + mappedAttentionCases
    + crossEntropyCases
    + pointwiseCases
    + gateCases
    + broadcastCases
    + normCases
    + sumNormCases
    + addedLinearCases
    + tokenRowCases
    + fusedCases
    + gatedBlocksCases
    + mlpCases
    + embeddingCases
    + rotaryCases
    + reshapeCases
    + matrixScanCases
    + selectiveCases
    + normaliserCases
    + exponentialMemoryCases
    + taylorCases
    + cellCases + mappedCellCases
    + convolutionCases
    + gatedConvolutionCases

  /// The operations that are made of matrix products.
  package static let matrixOperations: Set<String> = [
    "linear", "linears", "norm linears", "added linear", "linear maps", "attention",
    "cross-entropy", "matrix scan",
    "mLSTM memory", "cell", "selective scan", "gated blocks", "gatedConvolution", "mlp",
  ]

  /// Cases of training's sizes, for speed only.
  package static let timings: [OpCase] =
    linearTimings
    + linearsTimings
    + linearMapsTimings
    + mlpTimings
    + attentionTimings
    + scanTimings
    + selectiveTimings
    + normaliserTimings
    + rowTimings
    + taylorTimings
    + cellTimings
    + convolutionTimings
    + gatedConvolutionTimings
    + crossEntropyTimings
}
