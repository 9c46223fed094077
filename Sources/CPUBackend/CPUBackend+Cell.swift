import CKernels
package import Tensors

extension CPUBackend {
  package func cellSavedCount(_ shape: CellShape) -> Int {
    var options = shape.options
    return kernels.cell_saved(&options)
  }

  package func cell(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, into h: Tensor, lastH: Tensor?, lastC: Tensor?, saved: Tensor?
  ) {
    var options = shape.options
    kernels.cell(
      &options, x.pointer, recurrent.pointer, recurrentBias?.pointer, h0?.pointer, c0?.pointer,
      h.pointer, lastH?.pointer, lastC?.pointer, saved?.pointer,
      scratch(kernels.cell_workspace(&options)))
  }

  package func cellBackward(
    _ shape: CellShape, x: Tensor, recurrent: Tensor, recurrentBias: Tensor?, h0: Tensor?,
    c0: Tensor?, h: Tensor, saved: Tensor, dh: Tensor, dLastH: Tensor?, dLastC: Tensor?,
    dx: Tensor, dRecurrent: Tensor?, dRecurrentBias: Tensor?, dh0: Tensor?, dc0: Tensor?
  ) {
    var options = shape.options
    kernels.cell_backward(
      &options, x.pointer, recurrent.pointer, recurrentBias?.pointer, h0?.pointer, c0?.pointer,
      h.pointer, saved.pointer, dh.pointer, dLastH?.pointer, dLastC?.pointer, dx.pointer,
      dRecurrent?.pointer, dRecurrentBias?.pointer, dh0?.pointer, dc0?.pointer,
      scratch(kernels.cell_workspace(&options)))
  }
}

extension CellShape {
  fileprivate var options: hk_cell {
    hk_cell(kind: kind.rawValue, batch: batch, length: length, heads: heads, dim: dim)
  }
}
