/// A batch of matrix products C = alpha op(A) op(B) + beta C.
///
/// op(A) is m x k, op(B) is k x n. Leading dimensions are distances of rows as stored; strides
/// are distances of matrices in the batch.
package struct MatrixProduct {
  package var batch = 1
  package var m: Int
  package var n: Int
  package var k: Int
  package var transposeA = false
  package var transposeB = false
  package var lda: Int
  package var ldb: Int
  package var ldc: Int
  package var strideA = 0
  package var strideB = 0
  package var strideC = 0
  package var alpha: Float = 1
  package var beta: Float = 0

  /// A product of contiguous matrices.
  package init(
    m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false, beta: Float = 0
  ) {
    self.m = m
    self.n = n
    self.k = k
    self.transposeA = transposeA
    self.transposeB = transposeB
    lda = transposeA ? m : k
    ldb = transposeB ? k : n
    ldc = n
    self.beta = beta
  }
}

package protocol MatrixKernels {
  /// The products, with `bias` ([n]) added to every row where it is given.
  func multiply(_ product: MatrixProduct, _ a: Tensor, _ b: Tensor, bias: Tensor?, into c: Tensor)

  /// Several linear maps of the same rows: outputs i = x weights i.
  ///
  /// - Parameters:
  ///   - x: [rows, inputs]
  ///   - weights: [inputs, columns i] each.
  ///   - outputs: [rows, columns i] each, overwritten.
  func linears(_ x: Tensor, _ weights: [Tensor], into outputs: [Tensor])

  /// The gradient of the rows: dx = sum of dy i (weights i)', or added to it.
  func linearsInputGradient(
    _ gradients: [Tensor], _ weights: [Tensor], into dx: Tensor, accumulate: Bool)

  /// The gradients of the weights: x' dy i, each overwritten or added to.
  func linearsWeightGradients(_ x: Tensor, _ gradients: [WeightGradient])

  /// All of these gradients and those of biases, which devices may make from one reading of them.
  ///
  /// - Parameters:
  ///   - x: [rows, inputs]
  ///   - maps: The maps of these rows.
  ///   - dx: Where the gradient of the rows goes; nil where nobody wants it.
  func linearGradients(_ x: Tensor, _ maps: [LinearGradients], into dx: GradientTarget?)
}

/// A linear map of the rows, y = x W + b, and where its gradients go.
package struct LinearGradients {
  /// The gradient of the map's output, [rows, columns].
  package var output: Tensor
  /// [inputs, columns].
  package var weight: Tensor
  /// The gradient of the weight; nil where nobody wants it.
  package var dWeight: GradientTarget?
  /// The gradient of the bias, [columns]; nil where nobody wants it.
  package var dBias: GradientTarget?

  package init(output: Tensor, weight: Tensor) {
    self.output = output
    self.weight = weight
  }
}

/// Where the gradient of one of several maps' weights goes.
package struct WeightGradient {
  /// The gradient of the map's output, [rows, columns].
  package var output: Tensor
  /// Where its weight's gradient goes, [inputs, columns].
  package var weight: Tensor
  package var accumulate: Bool

  package init(output: Tensor, weight: Tensor, accumulate: Bool) {
    self.output = output
    self.weight = weight
    self.accumulate = accumulate
  }
}

extension MatrixKernels {
  package func linears(_ x: Tensor, _ weights: [Tensor], into outputs: [Tensor]) {
    separateLinears(x, weights, into: outputs)
  }

  package func linearsInputGradient(
    _ gradients: [Tensor], _ weights: [Tensor], into dx: Tensor, accumulate: Bool
  ) {
    separateLinearsInputGradient(gradients, weights, into: dx, accumulate: accumulate)
  }

  package func linearsWeightGradients(_ x: Tensor, _ gradients: [WeightGradient]) {
    separateLinearsWeightGradients(x, gradients)
  }
}

extension MatrixKernels where Self: Backend {
  package func linearGradients(
    _ x: Tensor, _ maps: [LinearGradients], into dx: GradientTarget?
  ) {
    separateLinearGradients(x, maps, into: dx)
  }

  /// The gradient of the rows, then those of the weights, then those of the biases.
  package func separateLinearGradients(
    _ x: Tensor, _ maps: [LinearGradients], into dx: GradientTarget?
  ) {
    if let dx {
      linearsInputGradient(
        maps.map(\.output), maps.map(\.weight), into: dx.tensor, accumulate: dx.accumulate)
    }
    let weights = maps.compactMap { map in
      map.dWeight.map {
        WeightGradient(output: map.output, weight: $0.tensor, accumulate: $0.accumulate)
      }
    }
    if !weights.isEmpty { linearsWeightGradients(x, weights) }
    for map in maps {
      guard let bias = map.dBias else { continue }
      if !bias.accumulate { fill(bias.tensor, with: 0) }
      sumRows(map.output, addedTo: bias.tensor)
    }
  }
}

/// One product after the other. The rows' gradient is summed from the last map to the first, as
/// separate maps would add to it.
extension MatrixKernels {
  package func separateLinears(_ x: Tensor, _ weights: [Tensor], into outputs: [Tensor]) {
    for (weight, output) in zip(weights, outputs) {
      let (inputs, columns) = (weight.shape[0], weight.shape[1])
      multiply(
        MatrixProduct(m: x.count / inputs, n: columns, k: inputs), x, weight, bias: nil,
        into: output)
    }
  }

  package func separateLinearsInputGradient(
    _ gradients: [Tensor], _ weights: [Tensor], into dx: Tensor, accumulate: Bool
  ) {
    var adds = accumulate
    for (gradient, weight) in zip(gradients, weights).reversed() {
      let (inputs, columns) = (weight.shape[0], weight.shape[1])
      multiply(
        MatrixProduct(
          m: dx.count / inputs, n: inputs, k: columns, transposeB: true, beta: adds ? 1 : 0),
        gradient, weight, bias: nil, into: dx)
      adds = true
    }
  }

  package func separateLinearsWeightGradients(_ x: Tensor, _ gradients: [WeightGradient]) {
    for gradient in gradients {
      let (inputs, columns) = (gradient.weight.shape[0], gradient.weight.shape[1])
      multiply(
        MatrixProduct(
          m: inputs, n: columns, k: x.count / inputs, transposeA: true,
          beta: gradient.accumulate ? 1 : 0),
        x, gradient.output, bias: nil, into: gradient.weight)
    }
  }
}
