import Platform
import Tensors

/// A selective scan: sizes and options.
private struct SelectiveCase: Sendable {
  var batch: Int
  var length: Int
  var channels: Int
  var states: Int
  var factor: SelectiveScan.Factor
  var hasSkip = true
  /// With an initial state, and the final one as a result.
  var carriesState = false
  /// With logarithms of the rates' magnitudes.
  var hasLogRates = false
  /// With a gate at the end, which only scans with logarithms have.
  var hasGate = false
  /// Large steps forget everything: e^(step rate) is 0 to rounding.
  var steps: ClosedRange<Double> = 0.01...1

  init(
    _ batch: Int, _ length: Int, _ channels: Int, _ states: Int,
    _ factor: SelectiveScan.Factor = .positive
  ) {
    (self.batch, self.length, self.channels) = (batch, length, channels)
    (self.states, self.factor) = (states, factor)
  }

  private var inputs: [OpInput] {
    var inputs = [
      OpInput("x", [batch, length, channels]),
      OpInput("step", [batch, length, channels], .uniform(steps)),
      OpInput("rate", [states, channels], .uniform(hasLogRates ? -2...1 : -3 ... -0.1)),
      OpInput("write", [batch, length, states]), OpInput("read", [batch, length, states]),
    ]
    if hasSkip { inputs.append(OpInput("skip", [channels])) }
    if hasGate { inputs.append(OpInput("gate", [batch, length, channels])) }
    if carriesState { inputs.append(OpInput("initial", [batch, states, channels])) }
    return inputs
  }

  private var variant: String {
    let options =
      (hasSkip ? "-skip" : "") + (carriesState ? "-state" : "") + (hasLogRates ? "-log" : "")
      + (hasGate ? "-gate" : "")
    let size = "B\(batch)-T\(length)-C\(channels)-N\(states)"
    return "\(factor)-\(size)" + options + (steps.lowerBound > 1 ? "-forgetting" : "")
  }

  /// A case for values and gradients, or for speed only.
  func opCase(checked: Bool = true) -> OpCase {
    OpCase(
      "selective scan", variant, inputs: inputs,
      flops: 6 * Double(batch * length * channels * states),
      reference: checked ? reference : nil, run: { _, inputs in run(inputs) })
  }

  private func run(_ inputs: [Variable]) -> [Variable] {
    let scan = SelectiveScan(factor: factor)
    let skip = hasSkip ? inputs[5] : nil
    let gate = hasGate ? inputs[hasSkip ? 6 : 5] : nil
    let initial = carriesState ? inputs.last : nil
    let (y, final) =
      hasLogRates
      ? scan(
        x: inputs[0], step: inputs[1], logRate: inputs[2], write: inputs[3], read: inputs[4],
        skip: skip, initial: initial, gate: gate, wantsFinal: carriesState)
      : scan(
        x: inputs[0], step: inputs[1], rate: inputs[2], write: inputs[3], read: inputs[4],
        skip: skip, initial: initial, wantsFinal: carriesState)
    return [y] + (final.map { [$0] } ?? [])
  }

  /// The recurrence of architectures.md §3.6, one token after the other.
  private func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    var state =
      carriesState ? arrays[arrays.count - 1] : DoubleArray([batch, states, channels])
    var y = DoubleArray([batch, length, channels])
    for b in 0..<batch {
      for row in b * length..<(b + 1) * length {
        for c in 0..<channels {
          let token = row * channels + c
          let (x, step) = (arrays[0].values[token], arrays[1].values[token])
          var sum = hasSkip ? arrays[5].values[c] * x : 0
          for n in 0..<states {
            let given = arrays[2].values[n * channels + c]
            let power = Mathematics.exponential(
              step * (hasLogRates ? -Mathematics.exponential(given) : given))
            let factor = factor == .signed ? 2 * power - 1 : power
            let place = (b * states + n) * channels + c
            let (write, read) = (
              arrays[3].values[row * states + n], arrays[4].values[row * states + n]
            )
            let h = factor * state.values[place] + write * step * x
            state.values[place] = h
            sum += read * h
          }
          let gate = hasGate ? arrays[hasSkip ? 6 : 5].values[token] : nil
          y.values[token] = sum * (gate.map { $0 / (1 + Mathematics.exponential(-$0)) } ?? 1)
        }
      }
    }
    return carriesState ? [y, state] : [y]
  }
}

extension OpCatalog {
  static let selectiveCases: [OpCase] = {
    var cases: [SelectiveCase] = []
    for factor in [SelectiveScan.Factor.positive, .signed] {
      cases += [
        SelectiveCase(2, 1, 5, 4, factor), SelectiveCase(1, 2, 17, 16, factor),
        SelectiveCase(1, 63, 2, 1, factor), SelectiveCase(1, 65, 1, 4, factor),
        SelectiveCase(1, 7, 33, 1, factor), SelectiveCase(3, 9, 4, 2, factor),
        SelectiveCase(1, 5, 2, 100, factor), SelectiveCase(1, 9, 3, 256, factor),
      ]
      for index in cases.indices.suffix(8) where index % 2 == 0 {
        cases[index].carriesState = true
        cases[index].hasSkip = index % 4 == 0
      }
      var forgetting = SelectiveCase(1, 17, 2, 3, factor)
      forgetting.steps = 60...300
      cases.append(forgetting)
      // Two lanes a channel with states by fours, and two chunks of tokens.
      var logarithms = SelectiveCase(2, 9, 5, 16, factor)
      (logarithms.hasLogRates, logarithms.carriesState) = (true, factor == .signed)
      cases.append(logarithms)
      // Three chunks, the last one short, of fours of channels; and one of single ones.
      for (length, channels) in [(18, 12), (7, 5)] {
        var gated = SelectiveCase(2, length, channels, 16, factor)
        (gated.hasLogRates, gated.hasGate) = (true, true)
        gated.carriesState = (factor == .signed) == (channels == 5)
        gated.hasSkip = channels == 12
        cases.append(gated)
      }
    }
    return cases.map { $0.opCase() }
  }()

  /// Sizes of training, for speed.
  package static let selectiveTimings: [OpCase] = [
    SelectiveCase(64, 64, 128, 16), SelectiveCase(64, 64, 128, 16, .signed),
    SelectiveCase(32, 256, 128, 16), SelectiveCase(64, 64, 256, 16), SelectiveCase(64, 64, 128, 4),
  ].map { $0.opCase(checked: false) }
}
