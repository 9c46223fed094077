import Tensors

extension KernelCatalog {
  /// Scans and cells of all kinds, at sizes that take each of their ways through the kernels.
  static var recurrent: [KernelProgram] {
    [KernelProgram("scan_fold")] + scans + selectiveScans + cells
  }

  private static var scans: [KernelProgram] {
    let decays: [ScanShape.Decay] = [.none, .perHead, .scalar, .vector]
    let updates: [ScanShape.Update] = [.add, .delta, .rankOne]
    let ordinary = decays.flatMap { decay in
      updates.flatMap { scan(decay, $0, exclusive: false, keyDim: 64, valueDim: 64) }
    }
    return ordinary + scan(.scalar, .delta, exclusive: false, keyDim: 128, valueDim: 40)
      + scan(.none, .delta, exclusive: false, keyDim: 128, valueDim: 128)
      + scan(.scalar, .delta, exclusive: false, keyDim: 128, valueDim: 128)
      + scan(.none, .delta, exclusive: false, keyDim: 32, valueDim: 32)
      + [12, 32].flatMap { scans(.none, .delta, length: $0, dim: 32, logits: 2) }
      + scans(.none, .delta, length: 32, dim: 32)
      + scans(.scalar, .add, length: 16, dim: 64) + scans(.scalar, .delta, length: 32, dim: 64)
      + [8, 32, 64].flatMap { scans(.scalar, .add, length: $0, dim: 64, isNormalised: true) }
      + scans(.scalar, .add, length: 64, dim: 32, isNormalised: true)
      + scans(.scalar, .add, length: 64, dim: 128, isNormalised: true)
      + scan(.scalar, .add, exclusive: false, keyDim: 16, valueDim: 64)
      + scan(.scalar, .delta, exclusive: false, keyDim: 33, valueDim: 20)
      + scan(.vector, .add, exclusive: true, keyDim: 5, valueDim: 33)
      + scan(.vector, .add, exclusive: false, keyDim: 16, valueDim: 32)
      + scan(.vector, .add, exclusive: false, keyDim: 32, valueDim: 64)
      + scan(.vector, .add, exclusive: false, keyDim: 64, valueDim: 128)
      + scan(.vector, .add, exclusive: false, keyDim: 128, valueDim: 256)
      + scan(.vector, .add, exclusive: false, keyDim: 8, valueDim: 16)
      + scan(.none, .rankOne, exclusive: true, keyDim: 130, valueDim: 3)
  }

  /// Scans that no state is carried into or out of.
  private static func scans(
    _ decay: ScanShape.Decay, _ update: ScanShape.Update, length: Int, dim: Int,
    isNormalised: Bool = false, logits: Int = 0
  ) -> [KernelProgram] {
    var shape = ScanShape(
      batch: 4, length: length, heads: 1, keyHeads: 1, keyDim: dim, valueDim: dim, decay: decay,
      update: update, exclusive: false, scale: 1)
    shape.logits = logits
    return HalfScanPlan(
      shape, sharedBytes: sharedBytes, hasState: false, isNormalised: isNormalised
    ).map { [$0.program(.forward, aligned: true), $0.program(.backward, aligned: true)] } ?? []
  }

  private static func scan(
    _ decay: ScanShape.Decay, _ update: ScanShape.Update, exclusive: Bool, keyDim: Int,
    valueDim: Int
  ) -> [KernelProgram] {
    let shape = ScanShape(
      batch: 4, length: 128, heads: 1, keyHeads: 1, keyDim: keyDim, valueDim: valueDim,
      decay: decay, update: update, exclusive: exclusive, scale: 1)
    // With many blocks for each multiprocessor, and with few.
    let vectorPrograms = [1, 132].flatMap { multiprocessors in
      ScanVectorPlan(shape, sharedBytes: sharedBytes, multiprocessors: multiprocessors).map {
        [$0.program(.forward, aligned: true), $0.program(.backward, aligned: true)]
      } ?? []
    }
    if !vectorPrograms.isEmpty {
      return vectorPrograms.enumerated().filter { !vectorPrograms[..<$0].contains($1) }.map(\.1)
    }
    if let plan = HalfScanPlan(shape, sharedBytes: sharedBytes) {
      return [plan.program(.forward, aligned: true), plan.program(.backward, aligned: true)]
    }
    if let plan = ScanChunkPlan(shape, sharedBytes: sharedBytes) {
      return [plan.program(.forward, aligned: true), plan.program(.backward, aligned: true)]
    }
    let plan = ScanPlan(shape, sharedBytes: sharedBytes)
    return [plan.program(.forward, aligned: true), plan.program(.backward, aligned: true)]
  }

  private static var selectiveScans: [KernelProgram] {
    [1, 16, 64].flatMap { states in
      [false, true].flatMap { bothSigns in
        var shape = SelectiveShape(
          batch: 1, length: 64, channels: 128, states: states, bothSigns: bothSigns)
        (shape.hasLogRates, shape.hasGate) = (states == 16, states == 16)
        return [ScanPlan.Pass.forward, .backward].map {
          SelectivePlan(shape, $0, sharedBytes: sharedBytes).program
        }
      }
    }
  }

  /// Small heads and large ones, which go without tensor cores, and those between, for few and for
  /// many sequences.
  private static var cells: [KernelProgram] {
    let shapes = [
      (1, 1, 3), (512, 1, 64), (256, 1, 128), (512, 1, 128), (4096, 1, 128), (256, 4, 33),
      (64, 1, 160), (64, 1, 256),
    ]
    let programs = CellShape.Kind.allCases.flatMap { kind in
      shapes.flatMap { batch, heads, dim in
        [CellPlan.Pass.forward, .backward].map { pass in
          CellPlan(
            CellShape(kind: kind, batch: batch, length: 64, heads: heads, dim: dim), pass,
            multiprocessors: 132, sharedBytes: sharedBytes
          ).program
        }
      }
    }
    // Small cells are cut alike for more and for fewer sequences.
    return programs.enumerated().filter { index, program in
      programs.firstIndex(of: program) == index
    }.map(\.element)
  }

  /// What a block may share on the smallest GPU that the kernels are made for, sm_80.
  private static let sharedBytes = 163 << 10
}
