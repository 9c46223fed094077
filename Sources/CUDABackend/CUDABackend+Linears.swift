package import Tensors

/// Maps that share their rows go through kernels of their own where these beat one product after
/// the other: the library's products read the rows once for each map, and spread gradients of small
/// weights over few blocks.
extension CUDABackend {
  package func linears(_ x: Tensor, _ weights: [Tensor], into outputs: [Tensor]) {
    let maps = zip(weights, outputs).map { LinearMap(weight: $0, output: $1) }
    // With more columns the library's products are faster, as the sums are their bottleneck.
    guard LinearMap.fit(maps, x), maps.allSatisfy({ max($0.inputs, $0.columns) <= 64 }) else {
      return separateLinears(x, weights, into: outputs)
    }
    let tiles = LinearTiles(kind: .forward, left: 64, right: 128)
    for maps in LinearMap.groups(maps) {
      let (inputs, rows) = (maps[0].inputs, maps[0].rows)
      let items = tiles.parts(rows, 128) * maps.reduce(0) { $0 + tiles.parts($1.columns, 64) }
      launch(tiles, x: x, out: nil, maps, rows: rows, inputs: inputs, items: items)
    }
  }

  package func linearsInputGradient(
    _ gradients: [Tensor], _ weights: [Tensor], into dx: Tensor, accumulate: Bool
  ) {
    let maps = zip(weights, gradients).map { LinearMap(weight: $0, output: $1) }
    guard maps.count > 1, LinearMap.fit(maps, dx) else {
      return separateLinearsInputGradient(gradients, weights, into: dx, accumulate: accumulate)
    }
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
    let maps = gradients.map { LinearMap(weight: $0.weight, output: $0.output) }
    guard LinearMap.fit(maps, x) else { return separateLinearsWeightGradients(x, gradients) }
    let groups = zip(
      LinearMap.groups(maps), LinearMap.groups(gradients.map(\.accumulate)))
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
    let ends = maps.reduce(into: [0]) { $0.append($0[$0.count - 1] + inputs * $1.columns) }
    let total = ends[ends.count - 1]
    let parts = empty([splits, total])
    launch(
      tiles, x: x, out: parts, maps, rows: rows, inputs: inputs, items: perSplit * splits,
      split: split)
    launch(
      KernelProgram("linears_sum"), "linears_sum", grid: LaunchGrid((total + 31) / 32), block: 256,
      arguments: [parts] + four(maps.map(\.weight), or: Tensor?.none)
        + four(ends.dropFirst(), or: total).dropLast() + [total, splits]
        + four(accumulate, or: false))
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

  /// Parameters of as many maps as the kernels take, with one for those that are not there.
  private func four<Value: KernelArgument>(
    _ list: some Collection<Value>, or last: any KernelArgument
  ) -> [any KernelArgument] {
    list.map { $0 } + Array(repeating: last, count: LinearMap.most - list.count)
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
  enum Kind: Int { case forward, inputGradient, weightGradient }
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
      case .forward: across(left) + right * (Self.depth + 8)
      case .inputGradient: (left + right) * (Self.depth + 4)
      case .weightGradient: across(left) + across(right)
      }
    return 2 * 4 * floats
  }

  func parts(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }
}
