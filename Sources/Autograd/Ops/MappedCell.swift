import Tensors

extension Variable {
  /// Runs a recurrent cell over time, from the results of several linear maps side by side.
  ///
  /// As `sideBySide` and `recurrentCell`, one after the other; where the device can, the gradients of
  /// all weights are made together.
  ///
  /// - Parameters:
  ///   - kind: The cell.
  ///   - heads: The blocks of the recurrence.
  ///   - maps: Of [batch, length, any]; together they have the cell's gates.
  ///   - bias: Of all gates.
  ///   - recurrent: R, [heads, dim, gates, dim]: from channel to gate and channel.
  ///   - initial: The state before the first step; nil for zeros.
  ///   - wantsFinal: Whether to return the state after the last step.
  /// - Returns: h at every step, [batch, length, width], and the final state where it is wanted.
  public static func recurrentCell(
    _ kind: RecurrentCell, heads: Int, of maps: [LinearMap], bias: Variable, recurrent: Variable,
    initial: CellState? = nil, wantsFinal: Bool = false
  ) -> (outputs: Variable, final: CellState?) {
    if initial == nil, !wantsFinal,
      let run = MappedCellRun(kind, heads: heads, of: maps, bias: bias, recurrent: recurrent)
    {
      let outputs = bias.tape.result(run.states, of: run.inputs) { run.backward($0) }
      return (outputs, nil)
    }
    return sideBySide(maps, bias: bias).recurrentCell(
      kind, heads: heads, recurrent: recurrent, initial: initial, wantsFinal: wantsFinal)
  }
}

/// One run of a cell, with the maps that make its gates, in training.
private struct MappedCellRun {
  private let fused: any FusedKernels
  private let backend: any Backend
  private let maps: HeadMaps
  private let shape: CellShape
  private let rows: [Variable]
  /// Those of the maps, the bias and R.
  private let parameters: [Variable]
  private let gates: Tensor
  private let saved: Tensor
  let states: Tensor

  var inputs: [Variable?] { rows + parameters }

  /// Nil where no gradient is wanted, and where the device or the maps are others.
  init?(
    _ kind: RecurrentCell, heads: Int, of maps: [LinearMap], bias: Variable, recurrent: Variable
  ) {
    let (tape, dim) = (bias.tape, recurrent.shape[1])
    guard kind.gates == 4, recurrent.needsGradient, tape.records([recurrent]),
      let (fused, values) = Variable.headMaps(maps, bias), fused.fusesMappedCell(heads: heads),
      recurrent.shape == [heads, dim, 4, dim], values.weights[0].shape == [heads, dim, dim]
    else { return nil }
    rows = [maps[0].input, maps[2].input]
    parameters = maps.map(\.weight) + [bias, recurrent]
    self.fused = fused
    self.maps = values
    backend = tape.backend
    let (batch, length) = (rows[0].shape[0], rows[0].shape[1])
    shape = CellShape(
      kind: kind.kernelKind, batch: batch, length: length, heads: heads, dim: dim)
    gates = backend.empty([batch, length, 4 * heads * dim])
    states = backend.empty([batch, length, heads * dim])
    saved = backend.empty([backend.cellSavedCount(shape)])
    fused.headMaps(values, into: gates)
    backend.cell(
      shape, x: gates, recurrent: recurrent.value, recurrentBias: nil, h0: nil, c0: nil,
      into: states, lastH: nil, lastC: nil, saved: saved)
  }

  func backward(_ gradient: Tensor) {
    let dgates = backend.empty(gates.shape)
    backend.cellBackward(
      shape, x: gates, recurrent: parameters[5].value, recurrentBias: nil, h0: nil, c0: nil,
      h: states, saved: saved, dh: gradient, dLastH: nil, dLastC: nil, dx: dgates,
      dRecurrent: nil, dRecurrentBias: nil, dh0: nil, dc0: nil)
    Variable.withTargets(rows) { targets in
      Variable.withSums(parameters) { sums in
        fused.headMapsBackward(
          maps, dy: dgates,
          into: HeadMapsGradients(
            x: targets[0], z: targets[1], weights: Array(sums[..<4]), bias: sums[4],
            cell: MappedCell(states: states, length: shape.length, recurrent: sums[5])))
      }
    }
  }
}
