public import Autograd

/// A linear map of the last axis, y = x W + b.
public struct Linear {
  public let weight: Parameter
  public let bias: Parameter?

  /// Makes a linear map.
  ///
  /// - Parameters:
  ///   - parameters: Where its weight ("weight") and bias ("bias") are kept.
  ///   - inputs: Size of the last axis that it takes.
  ///   - outputs: Size of the last axis that it makes.
  ///   - bias: Whether it has a bias, zero at first.
  ///   - initial: The law of the initial weight.
  public init(
    _ parameters: Parameters, _ inputs: Int, _ outputs: Int, bias: Bool = false,
    initial: Initialiser
  ) {
    weight = parameters.parameter("weight", [inputs, outputs], initial)
    self.bias = bias ? parameters.parameter("bias", [outputs], .zeros, decays: false) : nil
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    x.linear(weight.variable, bias: bias?.variable)
  }

  /// The same as the end of a branch, whose result is only added to the residual stream: a device may do
  /// both in one pass.
  public func endingBranch(_ x: Variable) -> Variable {
    x.linear(weight.variable, bias: bias?.variable, isAdded: true)
  }
}
