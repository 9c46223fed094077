import Tensors

/// A gradient of a parameter whose parts were left by the blocks of a kernel, and that waits to be
/// made of them.
struct LateSum {
  /// [rows, columns], all that the kernel left.
  let parts: Tensor
  /// The column where those of this gradient begin.
  let column: Int
  let target: Tensor
  let accumulate: Bool

  private var addresses: Range<UInt64> { target.slot..<target.slot + UInt64(target.count) * 4 }

  /// Whether an argument of a kernel lies where the gradient will.
  func meets(_ argument: any KernelArgument) -> Bool {
    let count = argument.elementCount
    return count > 0
      && addresses.overlaps(argument.slot..<argument.slot + UInt64(count) * 4)
  }

  /// Numbers that a block has: the fewer rows there are, the more, so that a thread has up to four of
  /// them under way; and more of many, whose lines of memory it then reads whole.
  private var lanes: Int {
    let least = target.count < 1 << 12 ? 8 : 32
    let slots = powerOfTwo(atLeast: quotient(parts.shape[0], roundedUpBy: 4))
    return min(LateSum.threads, max(least, LateSum.threads / slots))
  }
  var blocks: Int { quotient(target.count, roundedUpBy: lanes) }

  /// The entry in the table of `late_sums.cu`.
  func entry(firstBlock: Int) -> [any KernelArgument] {
    let (rows, columns) = (parts.shape[0], parts.shape[1])
    let own = Tensor(storage: parts.storage, offset: parts.offset + column, shape: [target.count])
    return [
      own, target, target.count, rows << 32 | columns,
      firstBlock << 32 | lanes << 1 | (accumulate ? 1 : 0),
    ]
  }

  /// An entry that no block reaches.
  static var none: [any KernelArgument] {
    [Tensor?.none, Tensor?.none, 0, 0, Int(Int32.max) << 32]
  }

  static let threads = 256
  /// The sums that a kernel takes at once.
  static let most = 80
  /// Floats of parts that may wait: more would fill a kernel of their own.
  static let longest = 1 << 20
}

/// Sums over the blocks of kernels that go in one kernel together, when the first of them is wanted.
///
/// A step has dozens of them, gradients of norms and biases, each so small that its kernel would
/// be mostly its start; and mostly nobody looks at a gradient before the optimiser does.
extension CUDABackend {
  /// Makes gradients of parts, [rows, columns], where the numbers of each come after the other's.
  ///
  /// That happens before anything is queued that reads or writes one of them. False where the parts
  /// are too many to wait.
  func sumLater(_ parts: Tensor, to sums: [PartSum]) -> Bool {
    guard parts.count <= LateSum.longest, parts.shape[0] > 0 else { return false }
    var column = 0
    for sum in sums where sum.target.count > 0 {
      // Also where two of these are of one gradient.
      settleSums(before: [sum.target])
      lateSums.append(
        LateSum(parts: parts, column: column, target: sum.target, accumulate: sum.accumulate))
      column += sum.target.count
      if lateSums.count == LateSum.most { settleSums() }
    }
    return true
  }

  /// Makes all gradients that wait, where work that is about to be queued meets one of them.
  func settleSums(before arguments: [any KernelArgument]) {
    guard !lateSums.isEmpty,
      arguments.contains(where: { argument in lateSums.contains { $0.meets(argument) } })
    else { return }
    settleSums()
  }

  /// Makes all gradients that wait.
  func settleSums() {
    guard !lateSums.isEmpty else { return }
    let sums = lateSums
    lateSums = []
    var (table, blocks): ([any KernelArgument], Int) = ([], 0)
    for sum in sums {
      table += sum.entry(firstBlock: blocks)
      blocks += sum.blocks
    }
    for _ in sums.count..<LateSum.most { table += LateSum.none }
    launch(
      KernelProgram("late_sums"), "late_sums", grid: LaunchGrid(blocks), block: LateSum.threads,
      arguments: table)
  }
}
