public import Autograd
public import Configuration

/// The normalisation before a mixer or the head: over the last axis, with a learned scale.
public struct Norm {
  private let kind: ModelConfiguration.Norm
  private let weight: Parameter?
  private let bias: Parameter?

  /// The weight of a root-mean-square norm; nil for other norms.
  var rmsWeight: Parameter? { kind == .rms ? weight : nil }

  public init(_ parameters: Parameters, _ kind: ModelConfiguration.Norm, width: Int) {
    self.kind = kind
    weight = kind == .none ? nil : parameters.parameter("weight", [width], .ones, decays: false)
    bias = kind == .layer ? parameters.parameter("bias", [width], .zeros, decays: false) : nil
  }

  /// The sum of a residual stream and what comes to it, and the norm of the sum.
  public func callAsFunction(
    _ x: Variable, adding branch: Variable
  ) -> (sum: Variable, norm: Variable) {
    switch kind {
    case .none:
      let sum = x.adding(branch)
      return (sum, sum)
    case .rms: return x.rmsNorm(adding: branch, weight: weight?.variable)
    case .layer:
      return x.layerNorm(adding: branch, weight: weight?.variable, bias: bias?.variable)
    }
  }

  /// Rows that a residual stream begins with, and their norm.
  package func callAsFunction(of tokens: TokenRows) -> (rows: Variable, norm: Variable) {
    switch kind {
    case .none:
      let rows = tokens.gathered()
      return (rows, rows)
    case .rms: return tokens.rmsNorm(weight: weight?.variable)
    case .layer: return tokens.layerNorm(weight: weight?.variable, bias: bias?.variable)
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    switch kind {
    case .none: x
    case .rms: x.rmsNorm(weight: weight?.variable)
    case .layer: x.layerNorm(weight: weight?.variable, bias: bias?.variable)
    }
  }
}
