package import Tensors

/// A tensor in a computation, and its gradient once a loss was differentiated.
///
/// Operations on variables run at once on the tape's device and are recorded for the backward pass
/// where a gradient is needed.
public final class Variable {
  package let tape: Tape
  public let shape: [Int]
  package let needsGradient: Bool
  /// The tensor; made now where its map waited.
  package var value: Tensor {
    if let made { return made }
    let tensor = tape.backend.empty(shape)
    waitingMap?.write(into: tensor, on: tape.backend)
    (made, waitingMap) = (tensor, nil)
    return tensor
  }
  private var made: Tensor?
  /// The linear map that makes the tensor, while nobody asked for it.
  private(set) var waitingMap: MappedRows?
  /// The gradient so far; nil before the first contribution.
  package var gradient: Tensor? {
    settleRows()
    return shares
  }
  /// The sum of the gradient's shares but those that wait.
  private var shares: Tensor?

  /// How the operation that made this variable goes back through linear maps of it together with
  /// itself, where it can.
  var jointWayBack: JointWayBack?
  /// Maps whose share of the gradient waits for that; there is no other so far.
  private var waitingMaps: [LinearGradients] = []
  /// The weights of these maps, where their gradients wait too.
  private var waitingWeights: [Variable] = []
  /// A share of the gradient that is zeros but for some rows, while there is no other.
  ///
  /// It is added to the next share, which costs less than to write and to read the zeros.
  private var waitingRows: (rows: Tensor, index: IndexTensor)?

  /// A parameter's gradient is a part of one long tensor and is always added to in place.
  private let isPersistent: Bool

  /// Makes a variable.
  ///
  /// - Parameters:
  ///   - value: The tensor.
  ///   - tape: Where operations on the variable are recorded.
  ///   - needsGradient: Whether gradients flow to it.
  ///   - persistent: The tensor that gradients are added to in place, for parameters.
  package init(
    _ value: Tensor, on tape: Tape, needsGradient: Bool = false, persistent: Tensor? = nil
  ) {
    made = value
    shape = value.shape
    self.tape = tape
    self.needsGradient = needsGradient
    shares = persistent
    isPersistent = persistent != nil
  }

  /// Makes a variable whose tensor is made when somebody asks for it.
  ///
  /// - Parameters:
  ///   - map: What makes it.
  ///   - shape: That of the map's result.
  ///   - tape: Where operations on the variable are recorded.
  ///   - needsGradient: Whether gradients flow to it.
  init(_ map: MappedRows, shape: [Int], on tape: Tape, needsGradient: Bool) {
    waitingMap = map
    self.shape = shape
    self.tape = tape
    self.needsGradient = needsGradient
    isPersistent = false
  }

  /// The size of the last axis.
  public var columns: Int { shape.last ?? 1 }

  /// Lets a kernel write or add this variable's gradient.
  ///
  /// - Parameter write: Gets the tensor to write to, and whether to add to it instead of
  ///   overwriting it. Not called where no gradient is needed.
  package func contribute(_ write: (_ target: Tensor, _ accumulate: Bool) -> Void) {
    guard needsGradient else { return }
    settleMaps()
    if shares == nil {
      let fresh = tape.backend.empty(shape)
      write(fresh, false)
      shares = fresh
      addRows()
    } else {
      makeGradientUnique()
      if let shares { write(shares, true) }
    }
  }

  /// Adds a finished gradient; it becomes this variable's own where it is the first.
  package func contribute(_ finished: Tensor) {
    guard needsGradient else { return }
    settleMaps()
    if shares == nil {
      shares = finished.reshaped(shape)
      addRows()
    } else {
      makeGradientUnique()
      if let shares { tape.backend.addScaled(1, finished, to: shares) }
    }
  }

  /// Adds a gradient that is zeros but for some rows.
  ///
  /// - Parameters:
  ///   - rows: These rows.
  ///   - index: Their row numbers, each at most once, or -1.
  func contribute(_ rows: Tensor, atDistinct index: IndexTensor) {
    guard needsGradient else { return }
    settleMaps()
    settleRows()
    if shares == nil, tape.backend is any FusedKernels {
      waitingRows = (rows, index)
    } else {
      contribute { target, accumulate in
        if accumulate {
          tape.backend.scatterAddDistinctRows(rows, at: index, to: target)
        } else {
          tape.backend.spreadDistinctRows(rows, at: index, into: target)
        }
      }
    }
  }

  /// Adds the rows that wait to the first other share.
  private func addRows() {
    guard let (rows, index) = waitingRows else { return }
    waitingRows = nil
    makeGradientUnique()
    if let shares { tape.backend.scatterAddDistinctRows(rows, at: index, to: shares) }
  }

  /// Makes the gradient of rows that wait, because somebody wants it.
  private func settleRows() {
    guard let (rows, index) = waitingRows else { return }
    waitingRows = nil
    let fresh = tape.backend.empty(shape)
    tape.backend.spreadDistinctRows(rows, at: index, into: fresh)
    shares = fresh
  }

  /// Leaves the share of linear maps in this variable's gradient to the operation that made it.
  ///
  /// - Parameters:
  ///   - maps: The maps, as yet without a place for their weights' gradients.
  ///   - weights: Their weights, where all that is wanted beside this variable's gradient is that of
  ///     each of them; else none.
  /// - Returns: What was left, which needs the gradient's first share.
  func leaveMaps(_ maps: [LinearGradients], weights: [Variable]) -> LeftMaps {
    guard gradient == nil, waitingMaps.isEmpty, let jointWayBack else { return .none }
    let areAll = !weights.isEmpty && jointWayBack.takesWeights(maps)
    guard areAll || jointWayBack.takes(maps) else { return .none }
    waitingMaps = maps
    waitingWeights = areAll ? weights : []
    return areAll ? .all : .rows
  }

  /// Goes back through maps that wait and what made this variable at once; false where none wait.
  func goBackThroughMaps() -> Bool {
    guard !waitingMaps.isEmpty, let jointWayBack else { return false }
    let (maps, weights) = (waitingMaps, waitingWeights)
    (waitingMaps, waitingWeights) = ([], [])
    Self.withTargets(of: weights, in: maps) { jointWayBack.run($0) }
    return true
  }

  /// Makes the gradient of maps that wait, because there is another share beside theirs.
  private func settleMaps() {
    guard !waitingMaps.isEmpty else { return }
    let (maps, weights) = (waitingMaps, waitingWeights)
    (waitingMaps, waitingWeights) = ([], [])
    contribute { dx, accumulate in
      tape.backend.linearsInputGradient(
        maps.map(\.output), maps.map(\.weight), into: dx, accumulate: accumulate)
    }
    guard !weights.isEmpty else { return }
    Self.withTargets(of: weights, in: maps) {
      tape.backend.linearGradients(value, $0, into: nil)
    }
  }

  /// A gradient passed on unchanged (by an addition, a reshape) is shared until someone adds to it.
  private func makeGradientUnique() {
    guard var shared = shares else { return }
    shares = nil
    if isPersistent || isKnownUniquelyReferenced(&shared.storage) {
      shares = shared
    } else {
      let own = tape.backend.empty(shared.shape)
      tape.backend.copy(shared, to: own)
      shares = own
    }
  }
}

/// How an operation goes back through linear maps of its result together with itself, so that the
/// gradient between them never comes to memory.
struct JointWayBack {
  /// Whether it can for these maps.
  let takes: ([LinearGradients]) -> Bool
  /// Whether it can make the gradients of these maps' weights as well.
  let takesWeights: ([LinearGradients]) -> Bool
  let run: ([LinearGradients]) -> Void
}

/// What of the gradients of linear maps is left to the operation that made their rows.
enum LeftMaps {
  case none
  /// That of the rows.
  case rows
  /// Those of the weights, too.
  case all
}
