public import Autograd
public import Configuration

/// The normalisation before a mixer or the head: over the last axis, with a learned scale.
public struct Norm {
  private let kind: ModelConfiguration.Norm
  private let weight: Parameter?
  private let bias: Parameter?

  public init(_ parameters: Parameters, _ kind: ModelConfiguration.Norm, width: Int) {
    self.kind = kind
    weight = kind == .none ? nil : parameters.parameter("weight", [width], .ones, decays: false)
    bias = kind == .layer ? parameters.parameter("bias", [width], .zeros, decays: false) : nil
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    switch kind {
    case .none: x
    case .rms: x.rmsNorm(weight: weight?.variable)
    case .layer: x.layerNorm(weight: weight?.variable, bias: bias?.variable)
    }
  }
}
