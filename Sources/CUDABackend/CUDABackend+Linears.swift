package import Tensors

/// Maps that share their rows go through kernels of their own where these beat one product after
/// the other: the library's products read the rows once for each map, and spread gradients of small
/// weights over few blocks.
extension CUDABackend {
  package func linears(_ x: Tensor, _ weights: [Tensor], into outputs: [Tensor]) {
    if weights.count < 2 || !linearOutputs(x, weights, into: outputs) {
      separateLinears(x, weights, into: outputs)
    }
  }

  package func linearsInputGradient(
    _ gradients: [Tensor], _ weights: [Tensor], into dx: Tensor, accumulate: Bool
  ) {
    let maps = zip(weights, gradients).map { LinearMap(weight: $0, output: $1) }
    let joint = maps.filter { LinearMap.fit([$0], dx) }
    guard joint.count > 1 else {
      return separateLinearsInputGradient(gradients, weights, into: dx, accumulate: accumulate)
    }
    inputGradient(joint, into: dx, accumulate: accumulate)
    let others = maps.filter { !LinearMap.fit([$0], dx) }
    separateLinearsInputGradient(
      others.map(\.output), others.map(\.weight), into: dx, accumulate: true)
  }

  private func inputGradient(_ maps: [LinearMap], into dx: Tensor, accumulate: Bool) {
    let (inputs, rows) = (maps[0].inputs, maps[0].rows)
    let tiles = LinearTiles(kind: .inputGradient, left: 128, right: inputs <= 64 ? 64 : 128)
    let items = tiles.parts(rows, tiles.left) * tiles.parts(inputs, tiles.right)
    for (index, maps) in LinearMap.groups(maps).enumerated() {
      launch(
        tiles, x: nil, out: dx, maps, rows: rows, inputs: inputs, items: items,
        accumulate: accumulate || index > 0)
    }
  }

  package func linearsWeightGradients(_ x: Tensor, _ gradients: [WeightGradient]) {
    // The kernel's tiles are wide: narrow maps beside wide ones are left out.
    let most = gradients.map(\.weight.columns).max() ?? 0
    let isJoint = { (gradient: WeightGradient) in
      gradient.weight.columns * 8 > most
        && LinearMap.fit([LinearMap(weight: gradient.weight, output: gradient.output)], x)
    }
    let joint = gradients.filter(isJoint)
    guard joint.count > 1 else { return separateLinearsWeightGradients(x, gradients) }
    separateLinearsWeightGradients(x, gradients.filter { !isJoint($0) })
    let maps = joint.map { LinearMap(weight: $0.weight, output: $0.output) }
    let groups = zip(LinearMap.groups(maps), LinearMap.groups(joint.map(\.accumulate)))
    for (maps, accumulate) in groups { weightGradients(x, maps, accumulate: accumulate) }
  }

  /// The sum over the rows is split among blocks, and the parts are added in a fixed order.
  private func weightGradients(_ x: Tensor, _ maps: [LinearMap], accumulate: [Bool]) {
    let (inputs, rows) = (maps[0].inputs, maps[0].rows)
    let isSmall = maps.allSatisfy { max($0.inputs, $0.columns) <= 64 }
    let tiles = LinearTiles(
      kind: .weightGradient, left: isSmall ? 64 : 128, right: isSmall ? 64 : 128)
    let perSplit =
      tiles.parts(inputs, tiles.left)
      * maps.reduce(0) { $0 + tiles.parts($1.columns, tiles.right) }
    let wanted = max(1, device.multiprocessors * LinearTiles.blocks / perSplit)
    let split = tiles.parts(tiles.parts(rows, wanted), LinearTiles.depth) * LinearTiles.depth
    let splits = tiles.parts(rows, split)
    let sums = zip(maps, accumulate).map { PartSum(to: $0.weight, accumulate: $1) }
    let parts = empty([splits, sums.total])
    launch(
      tiles, x: x, out: parts, maps, rows: rows, inputs: inputs, items: perSplit * splits,
      split: split)
    addParts(parts, splits: splits, to: sums)
  }

  private func launch(
    _ tiles: LinearTiles, x: Tensor?, out: Tensor?, _ maps: [LinearMap], rows: Int, inputs: Int,
    items: Int, split: Int = 0, accumulate: Bool = false
  ) {
    announce(2 * Double(rows * inputs * maps.reduce(0) { $0 + $1.columns }))
    launch(
      tiles.program, "linears",
      grid: LaunchGrid(min(items, device.multiprocessors * LinearTiles.blocks)), block: 256,
      shared: tiles.sharedBytes,
      arguments: [x, out] + four(maps.map(\.weight), or: Tensor?.none)
        + four(maps.map(\.output), or: Tensor?.none) + four(maps.map(\.columns), or: 0)
        + [rows, inputs, items, split, accumulate])
  }

  private func four<Value: KernelArgument>(
    _ list: [Value], or last: any KernelArgument
  ) -> [any KernelArgument] {
    padded(list, to: LinearMap.most, with: last)
  }
}

/// One of several maps: its weight and output, or their gradients.
private struct LinearMap {
  /// As many as the kernels take at once.
  static let most = 4

  var weight: Tensor
  var output: Tensor

  var inputs: Int { weight.shape[0] }
  var columns: Int { weight.shape[1] }
  var rows: Int { columns > 0 ? output.count / columns : 0 }

  /// Whether the kernels take these maps: few columns, and 16 bytes at a time.
  static func fit(_ maps: [LinearMap], _ x: Tensor) -> Bool {
    func isAligned(_ tensor: Tensor) -> Bool { UInt(bitPattern: tensor.pointer) % 16 == 0 }
    return !maps.isEmpty && isAligned(x)
      && maps.allSatisfy {
        $0.rows > 0 && (1...256).contains($0.inputs) && $0.columns <= 256
          && $0.inputs % 4 == 0 && $0.columns % 4 == 0 && isAligned($0.weight)
          && isAligned($0.output)
      }
  }

  /// Parts of a list that the kernels take at once.
  static func groups<Element>(_ list: [Element]) -> [[Element]] {
    stride(from: 0, to: list.count, by: most).map { Array(list[$0..<min($0 + most, list.count)]) }
  }
}

/// The tiles of `linears.cu`, in its terms.
private struct LinearTiles {
  enum Kind: Int { case inputGradient, weightGradient }
  static let depth = 32
  /// Blocks that are on a multiprocessor at a time.
  static let blocks = 2

  var kind: Kind
  var left: Int
  var right: Int

  var program: KernelProgram {
    KernelProgram("linears", ["KIND": kind.rawValue, "LEFT": left, "RIGHT": right])
  }

  /// Two buffers of a chunk of both factors.
  var sharedBytes: Int {
    let across = { (extent: Int) in Self.depth * (extent + 4) }
    let floats =
      switch kind {
      case .inputGradient: (left + right) * (Self.depth + 4)
      case .weightGradient: across(left) + across(right)
      }
    return 2 * 4 * floats
  }

  func parts(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }
}
