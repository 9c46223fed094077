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
    let (joint, others) = JointMaps.groups(maps, dx)
    guard maps.count - others.count > 1 else {
      return separateLinearsInputGradient(gradients, weights, into: dx, accumulate: accumulate)
    }
    for (index, maps) in joint.enumerated() {
      let isShallow = maps.all.allSatisfy { $0.columns <= LinearTiles.shallowDepth }
      let tiles = self.tiles(isShallow ? .shallowInputGradient : .inputGradient, maps)
      launch(
        tiles, x: nil, out: dx, maps, items: tiles.items(maps, splits: 1),
        accumulate: accumulate || index > 0)
    }
    separateLinearsInputGradient(
      others.map(\.output), others.map(\.weight), into: dx, accumulate: true)
  }

  package func fusesNorm(of rows: Tensor, before maps: [LinearGradients]) -> Bool {
    // Of whole rows, and where one pass for all gradients is not better.
    guard maps.count > 1, let joint = JointMaps.all(maps, rows) else { return false }
    return joint.inputs <= LinearTiles.longestRow && !LinearPass.isBetter(maps, rows)
  }

  package func normGradients(
    _ norm: NormedRows, before maps: [LinearGradients], dx: GradientTarget, dweight: Tensor?,
    dbias: Tensor?
  ) {
    let hasWeights = maps.contains { $0.dWeight != nil }
    if hasWeights, let passes = JointPass.passes(norm, maps, dx, on: device) {
      return run(passes, norm, dx: dx, dweight: dweight, dbias: dbias)
    }
    defer { if hasWeights { separateLinearGradients(norm.result, maps, into: nil) } }
    guard dx.tensor.isAligned, let joint = JointMaps.all(maps, norm.x) else {
      return separateNormGradients(norm, maps, dx: dx, dweight: dweight, dbias: dbias)
    }
    let tiles = self.tiles(.normGradient, joint)
    let items = tiles.items(joint, splits: 1)
    let sums = (dweight?.count ?? 0) + (dbias?.count ?? 0)
    let strips = blockCount(items)
    let partial = sums > 0 ? empty([strips, sums]) : nil
    launch(
      tiles, x: norm.x, out: dx.tensor, joint, items: items, accumulate: dx.accumulate,
      norm: [norm.weight, norm.mean, norm.scale, partial, dweight != nil, dbias != nil])
    if let partial { addPartials(partial, strips: strips, to: dweight, and: dbias) }
  }

  private func separateNormGradients(
    _ norm: NormedRows, _ maps: [LinearGradients], dx: GradientTarget, dweight: Tensor?,
    dbias: Tensor?
  ) {
    let dy = empty(norm.x.shape)
    linearsInputGradient(
      maps.map(\.output), maps.map(\.weight), into: dy, accumulate: false)
    if let mean = norm.mean {
      layerNormBackward(
        x: norm.x, weight: norm.weight, mean: mean, scale: norm.scale, dy: dy, dx: dx.tensor,
        accumulate: dx.accumulate, dweight: dweight, dbias: dbias)
    } else {
      rmsNormBackward(
        x: norm.x, weight: norm.weight, scale: norm.scale, dy: dy, dx: dx.tensor,
        accumulate: dx.accumulate, dweight: dweight)
    }
  }

  /// The blocks that share so many items.
  private func blockCount(_ items: Int) -> Int {
    min(items, device.multiprocessors * LinearTiles.blocks)
  }

  package func linearsWeightGradients(_ x: Tensor, _ gradients: [WeightGradient]) {
    let maps = gradients.map {
      LinearMap(weight: $0.weight, output: $0.output, accumulate: $0.accumulate)
    }
    let (joint, others) = JointMaps.groups(maps, x)
    guard maps.count - others.count > 1 else {
      return separateLinearsWeightGradients(x, gradients.filter { !splitWeightGradient(x, $0) })
    }
    separateLinearsWeightGradients(
      x,
      others.map {
        WeightGradient(output: $0.output, weight: $0.weight, accumulate: $0.accumulate)
      })
    for maps in joint { weightGradients(x, maps) }
  }

  /// A weight's gradient as products over parts of the rows, whose sum waits for others.
  ///
  /// The library splits such a product too, but adds the parts in a kernel of its own: on an H200, 8 µs
  /// after 21 for 65,536 rows and 128 by 128.
  ///
  /// - Returns: Whether that is worth it, and was done.
  private func splitWeightGradient(_ x: Tensor, _ gradient: WeightGradient) -> Bool {
    let (inputs, columns) = (gradient.weight.shape[0], gradient.weight.shape[1])
    guard (16...256).contains(inputs), (16...128).contains(columns) else { return false }
    let (rows, count) = (x.count / inputs, inputs * columns)
    // With tiles of 128 by 64, about a block for each multiprocessor of the largest devices.
    let most = min(128, LateSum.longest / count, rows / 128)
    let splits = sequence(first: 128) { $0 / 2 }.first { $0 <= max(1, most) && rows % $0 == 0 } ?? 1
    guard splits >= 8 else { return false }
    var product = MatrixProduct(m: inputs, n: columns, k: rows / splits, transposeA: true)
    product.batch = splits
    product.strideA = product.k * inputs
    product.strideB = product.k * columns
    product.strideC = count
    let parts = empty([splits, count])
    multiply(product, x, gradient.output, bias: nil, into: parts)
    addParts(
      parts, splits: splits,
      to: [PartSum(to: gradient.weight, accumulate: gradient.accumulate)])
    return true
  }

  /// The sum over the rows is split among blocks, and the parts are added in a fixed order.
  private func weightGradients(_ x: Tensor, _ maps: JointMaps) {
    let tiles = self.tiles(.weightGradient, maps)
    let sums = maps.all.map { PartSum(to: $0.weight, accumulate: $0.accumulate) }
    var wanted = max(1, device.multiprocessors * LinearTiles.blocks / tiles.items(maps, splits: 1))
    // Somewhat fewer blocks where their parts may then wait for those of other kernels.
    let waiting = LateSum.longest / sums.total
    if waiting * 4 >= wanted * 3 { wanted = min(wanted, waiting) }
    let split = quotient(quotient(maps.rows, roundedUpBy: wanted), roundedUpBy: LinearTiles.depth)
    let splits = quotient(maps.rows, roundedUpBy: split * LinearTiles.depth)
    let parts = empty([splits, sums.total])
    launch(
      tiles, x: x, out: parts, maps, items: tiles.items(maps, splits: splits),
      split: split * LinearTiles.depth)
    addParts(parts, splits: splits, to: sums)
  }

  private func tiles(_ kind: LinearTiles.Kind, _ maps: JointMaps) -> LinearTiles {
    LinearTiles(kind, maps, sharedLimit: device.sharedBytesPerBlock)
  }

  private func launch(
    _ tiles: LinearTiles, x: Tensor?, out: Tensor?, _ joint: JointMaps, items: Int, split: Int = 0,
    accumulate: Bool = false, norm: [any KernelArgument] = noNorm
  ) {
    let maps = joint.all
    announce(2 * Double(joint.rows * joint.inputs * maps.reduce(0) { $0 + $1.columns }))
    launch(
      tiles.program, "linears",
      grid: LaunchGrid(tiles.kind == .weightGradient ? items : blockCount(items)), block: 256,
      shared: tiles.sharedBytes,
      arguments: [x, out] + padded(maps.map(\.weight), to: JointMaps.most, with: Tensor?.none)
        + padded(maps.map(\.output), to: JointMaps.most, with: Tensor?.none)
        + padded(maps.map(\.columns), to: JointMaps.most, with: 0)
        + [Int32(joint.wide.count), joint.rows, joint.inputs, items, split, accumulate] + norm)
  }
}

/// The kernel's parameters of a norm, where there is none.
private var noNorm: [any KernelArgument] {
  Array(repeating: Tensor?.none, count: 4) + [false, false]
}
