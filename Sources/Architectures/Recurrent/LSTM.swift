public import Autograd
public import Configuration

/// The LSTM, as it stands in every framework: no projection behind it (architectures.md 3.7).
public struct LSTM: SequenceMixer {
  public static let info = MixerInfo(
    name: "lstm", summary: "long short-term memory",
    recurrence: "c_t = f c_{t-1} + i g, h_t = o tanh(c_t), gates from W x_t + R h_{t-1} + b",
    paper: "Hochreiter and Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735",
    settings: [
      CellLayer.heads,
      Setting(
        "forgetBias", .number(-10...10), default: .number(1),
        "initial bias of the forget gate (Jozefowicz et al. 2015)"),
    ],
    eigenvalues: { _ in "non-linear" }, stateTracking: { _ in .all })

  private let layer: CellLayer

  public init(settings: SettingValues, context: MixerContext) throws(SettingError) {
    layer = try CellLayer(
      .lstm, settings, context, bias: [0, Float(settings.number("forgetBias")), 0, 0])
  }

  public func callAsFunction(_ x: Variable, state: MixerState?) -> Variable {
    layer(x, state: state)
  }

  public func stateSize(length: Int) -> Int { layer.stateSize }
}
