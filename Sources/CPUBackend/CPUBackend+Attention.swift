import CKernels
package import Tensors

extension CPUBackend {
  package func attention(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, into o: Tensor,
    logSum: Tensor
  ) {
    var parameters = shape.parameters
    let workspace = scratch(kernels.attention_workspace(&parameters))
    kernels.attention(
      &parameters, q.pointer, k.pointer, v.pointer, slopes?.pointer, o.pointer, logSum.pointer,
      workspace)
  }

  package func attentionBackward(
    _ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, slopes: Tensor?, o: Tensor,
    logSum: Tensor, dO: Tensor, dq: Tensor, dk: Tensor, dv: Tensor
  ) {
    var parameters = shape.parameters
    let workspace = scratch(kernels.attention_workspace(&parameters))
    kernels.attention_backward(
      &parameters, q.pointer, k.pointer, v.pointer, slopes?.pointer, o.pointer, logSum.pointer,
      dO.pointer, dq.pointer, dk.pointer, dv.pointer, workspace)
  }
}

extension AttentionShape {
  fileprivate var parameters: hk_attention {
    hk_attention(
      batch: batch, queries: queries, keys: keys, heads: heads, key_heads: keyHeads, dim: dim,
      value_dim: valueDim, offset: offset, window: window, scale: scale)
  }
}
