package import Tensors

/// A linear map at the end of a branch together with the sum that takes it up, and the norm of the sum.
extension CUDABackend {
  package func fusesSum(of map: MappedRows) -> Bool {
    let (inputs, columns) = (map.inputs, map.columns)
    return inputs % 4 == 0 && (16...256).contains(inputs)
      && columns % 4 == 0 && (16...128).contains(columns)
      && (1..<1 << 20).contains(map.rows) && map.x.isAligned && map.weight.isAligned
      && MappedSum(map, norm: nil, sharedLimit: device.sharedBytesPerBlock) != nil
  }

  package func add(_ map: MappedRows, to stream: Tensor, into sum: Tensor, norm: SumNorm?) {
    guard stream.isAligned, sum.isAligned, norm?.y.isAligned ?? true,
      let kernel = MappedSum(map, norm: norm, sharedLimit: device.sharedBytesPerBlock)
    else { return separateAdd(map, to: stream, into: sum, norm: norm) }
    announce(2 * Double(map.rows * map.inputs * map.columns))
    launch(
      kernel.program, "mapped_sum",
      grid: LaunchGrid(kernel.blocks(multiprocessors: device.multiprocessors)),
      block: kernel.warps * 32, shared: kernel.sharedBytes, map.x, map.weight, map.bias, stream,
      norm?.weight, norm?.bias, norm?.epsilon ?? 0, sum, norm?.y, norm?.mean, norm?.scale,
      Int32(map.rows))
  }

  private func separateAdd(
    _ map: MappedRows, to stream: Tensor, into sum: Tensor, norm: SumNorm?
  ) {
    let other = empty(stream.shape)
    multiply(
      MatrixProduct(m: map.rows, n: map.columns, k: map.inputs), map.x, map.weight, bias: map.bias,
      into: other)
    guard let norm else { return add(stream, other, into: sum) }
    if let mean = norm.mean {
      layerNorm(
        ofSum: stream, other, weight: norm.weight, bias: norm.bias, epsilon: norm.epsilon, sum: sum,
        into: norm.y, mean: mean, scale: norm.scale)
    } else {
      rmsNorm(
        ofSum: stream, other, weight: norm.weight, epsilon: norm.epsilon, sum: sum, into: norm.y,
        scale: norm.scale)
    }
  }
}

/// A launch in the terms of `mapped_sums.cu`.
private struct MappedSum {
  private static let rowsOfWarp = 16

  private let inputs: Int
  private let columns: Int
  private let rows: Int
  /// As the kernel has it.
  private let norm: Int
  private(set) var warps = 0

  /// With as many warps as have room; nil where few do.
  init?(_ map: MappedRows, norm: SumNorm?, sharedLimit: Int) {
    (inputs, columns, rows) = (map.inputs, map.columns, map.rows)
    self.norm = norm.map { $0.mean == nil ? 1 : 2 } ?? 0
    for warps in [8, 6, 4] {
      self.warps = warps
      if sharedBytes <= sharedLimit { return }
    }
    return nil
  }

  var program: KernelProgram {
    KernelProgram(
      "mapped_sums", ["INPUTS": inputs, "COLUMNS": columns, "NORM": norm, "WARPS": warps])
  }

  /// The weights in halves, three parameters of the columns, and 16 rows of x and of the stream for each
  /// warp.
  var sharedBytes: Int {
    let (depth, width) = (ceiling(inputs, 16) * 16, ceiling(columns, 16) * 16)
    return 2 * depth * (width / 8 | 1) * 8 + 12 * width
      + 4 * warps * Self.rowsOfWarp * (depth + width)
  }

  /// One for each multiprocessor; of few rows fewer, as each loads the weights first.
  func blocks(multiprocessors: Int) -> Int {
    min(multiprocessors, ceiling(ceiling(rows, Self.rowsOfWarp), 2))
  }
}
