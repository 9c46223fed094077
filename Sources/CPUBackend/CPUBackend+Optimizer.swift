import CKernels
package import Tensors

extension CPUBackend {
  package func gradientNorm(_ gradients: Tensor, into norm: Tensor) {
    let square = kernels.sum_of_squares(gradients.count, gradients.pointer)
    norm.pointer[0] = Float(square.squareRoot())
  }

  package func adamW(
    _ step: AdamWStep, decayed: Int, norm: Tensor, parameters: Tensor, gradients: Tensor,
    first: Tensor, second: Tensor
  ) {
    var values = hk_adamw(
      learning_rate: step.learningRate, beta1: step.beta1, beta2: step.beta2,
      epsilon: step.epsilon, weight_decay: step.weightDecay, correction1: step.correction1,
      correction2: step.correction2, clip: step.clip)
    kernels.adamw(
      parameters.count, decayed, &values, norm.pointer, parameters.pointer, gradients.pointer,
      first.pointer, second.pointer)
  }
}
