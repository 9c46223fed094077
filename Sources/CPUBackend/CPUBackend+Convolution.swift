import CKernels
package import Tensors

extension CPUBackend {
  package func shortConvolution(
    _ function: Elementwise, _ x: Tensor, weight: Tensor, bias: Tensor?, previous: Tensor?,
    into y: Tensor, next: Tensor?
  ) {
    kernels.short_convolution(
      function.rawValue, x.shape[0], x.shape[1], x.shape[2], weight.shape[0], x.pointer,
      weight.pointer, bias?.pointer, previous?.pointer, y.pointer, next?.pointer)
  }

  package func shortConvolutionBackward(
    _ function: Elementwise, x: Tensor, weight: Tensor, bias: Tensor?, previous: Tensor?,
    dy: Tensor, dx: Tensor, dweight: Tensor?, dbias: Tensor?
  ) {
    let (batch, length, channels) = (x.shape[0], x.shape[1], x.shape[2])
    let width = weight.shape[0]
    kernels.short_convolution_backward(
      function.rawValue, batch, length, channels, width, x.pointer, weight.pointer, bias?.pointer,
      previous?.pointer, dy.pointer, dx.pointer, dweight?.pointer, dbias?.pointer,
      scratch(kernels.short_convolution_workspace(batch, length, channels, width)))
  }
}
