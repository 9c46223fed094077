/// Kernels over tensors seen as rows x columns, where columns is the last axis.
package protocol RowKernels {
  /// y = x + v in every row
  func addRow(_ x: Tensor, _ v: Tensor, into y: Tensor)
  /// y (+)= x v in every row
  func multiplyRow(_ x: Tensor, _ v: Tensor, into y: Tensor, accumulate: Bool)
  /// dv += column sums of dy
  func sumRows(_ dy: Tensor, addedTo dv: Tensor)
  /// dv += column sums of dy x
  func sumRowsProduct(_ dy: Tensor, _ x: Tensor, addedTo dv: Tensor)
  /// y[r,:] (+)= s[r] x[r,:]
  func scaleRows(_ x: Tensor, by s: Tensor, into y: Tensor, accumulate: Bool)
  /// y[r] (+)= x[r,:] . z[r,:]
  func dotRows(_ x: Tensor, _ z: Tensor, into y: Tensor, accumulate: Bool)

  func rmsNorm(_ x: Tensor, weight: Tensor?, epsilon: Float, into y: Tensor, scale: Tensor)
  func rmsNormBackward(
    x: Tensor, weight: Tensor?, scale: Tensor, dy: Tensor, dx: Tensor?, accumulate: Bool,
    dweight: Tensor?)
  func layerNorm(
    _ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float, into y: Tensor, mean: Tensor,
    scale: Tensor)
  func layerNormBackward(
    x: Tensor, weight: Tensor?, mean: Tensor, scale: Tensor, dy: Tensor, dx: Tensor?,
    accumulate: Bool, dweight: Tensor?, dbias: Tensor?)
  func l2Norm(_ x: Tensor, epsilon: Float, into y: Tensor, scale: Tensor)
  func l2NormBackward(y: Tensor, scale: Tensor, dy: Tensor, dx: Tensor, accumulate: Bool)

  /// y[r,:] = table[index[r],:]; zeros where the index is -1
  func gatherRows(_ table: Tensor, at index: IndexTensor, into y: Tensor)
  /// The same plus the rows of `added`, from its first to its last and over again.
  func gatherRows(_ table: Tensor, at index: IndexTensor, adding added: Tensor, into y: Tensor)
  /// dtable[index[r],:] += dy[r,:], in the order of the rows; -1 is left out
  func scatterAddRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor)
  /// The same where no two indices are equal but for -1, so that no order is needed.
  func scatterAddDistinctRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor)
  /// y[index[r],:] = dy[r,:], and zeros in all other rows; no two indices are equal but for -1, which
  /// is left out.
  func spreadDistinctRows(_ dy: Tensor, at index: IndexTensor, into y: Tensor)

  /// Rotates the pairs (j, j + dim/2) of x [batch, length, heads, dim] by the angles in the tables,
  /// which start at position 0 and have dim/2 columns; `inverse` is the gradient.
  func rotary(
    _ x: Tensor, cosine: Tensor, sine: Tensor, offset: Int, inverse: Bool, into y: Tensor)
}

/// Rows of a table by their numbers: zeros where the number is -1, plus the rows of `added`, from its
/// first to its last and over again.
package struct GatheredRows {
  package var table: Tensor
  package var index: IndexTensor
  package var added: Tensor?

  package init(table: Tensor, index: IndexTensor, added: Tensor?) {
    self.table = table
    self.index = index
    self.added = added
  }
}

extension RowKernels {
  package func gatherRows(_ source: GatheredRows, into y: Tensor) {
    if let added = source.added {
      gatherRows(source.table, at: source.index, adding: added, into: y)
    } else {
      gatherRows(source.table, at: source.index, into: y)
    }
  }

  package func scatterAddDistinctRows(_ dy: Tensor, at index: IndexTensor, to dtable: Tensor) {
    scatterAddRows(dy, at: index, to: dtable)
  }
}

extension RowKernels where Self: Device {
  package func spreadDistinctRows(_ dy: Tensor, at index: IndexTensor, into y: Tensor) {
    fill(y, with: 0)
    scatterAddDistinctRows(dy, at: index, to: y)
  }

  package func gatherRows(
    _ table: Tensor, at index: IndexTensor, adding added: Tensor, into y: Tensor
  ) {
    let rows = empty([index.count / max(added.rows, 1), added.count])
    gatherRows(table, at: index, into: rows)
    addRow(rows, added.reshaped([added.count]), into: y.reshaped(rows.shape))
  }
}
