import Tensors

/// How the threads of a block share the rows of a matrix.
struct RowThreads {
  static let blockSize = 256
  /// Floats that move at once: 4 where the rows of all tensors begin at multiples of 16 bytes.
  let vector: Int
  /// Neighbouring threads that share a row: a power of two.
  let lanes: Int

  /// Fits the threads to rows.
  ///
  /// - Parameters:
  ///   - columns: The floats of a row.
  ///   - most: The most threads that may share a row, a power of two.
  ///   - tensors: Those that are read or written several floats at once.
  init(columns: Int, most: Int = 32, _ tensors: Tensor?...) {
    self.init(
      columns: columns, most: most,
      aligned: tensors.allSatisfy { $0 == nil || $0?.isAligned == true })
  }

  /// The same for tensors that begin at multiples of 16 bytes, or do not.
  init(columns: Int, most: Int = 32, aligned: Bool) {
    vector = columns % 4 == 0 && aligned ? 4 : 1
    lanes = min(most, powerOfTwo(atLeast: columns / vector))
  }

  /// The exponent of `lanes`, as `int` of the kernels.
  var logLanes: Int32 { Int32(lanes.trailingZeroBitCount) }
  /// Rows that a block has at a time.
  var rowsPerBlock: Int { Self.blockSize / lanes }
  /// Columns that the threads of a row have at a time.
  var columnsAtOnce: Int { lanes * vector }
}

extension Tensor {
  /// Whether the tensor begins at a multiple of 16 bytes, so that four floats may move at once.
  var isAligned: Bool { UInt(bitPattern: pointer) % 16 == 0 }
}

/// The least power of two that is not below a number.
func powerOfTwo(atLeast number: Int) -> Int {
  number <= 1 ? 1 : 1 << (Int.bitWidth - (number - 1).leadingZeroBitCount)
}

/// a / b, rounded up.
func quotient(_ a: Int, roundedUpBy b: Int) -> Int { (a + b - 1) / b }

extension CUDABackend {
  /// Blocks for rows, `perBlock` of them at a time, in a loop over the grid, but at most `most` for
  /// each multiprocessor.
  func rowGrid(_ rows: Int, perBlock: Int, most: Int = 32) -> LaunchGrid {
    LaunchGrid(min(quotient(rows, roundedUpBy: perBlock), device.multiprocessors * most))
  }
}
