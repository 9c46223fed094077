import Autograd
import Layers
import Tensors

/// The residual stream of a model: what it was before the last addition, and what is added, which
/// the next norm does in the same pass.
struct ResidualStream {
  private(set) var x: Variable
  /// nil where nothing waits to be added.
  private(set) var last: Variable?
  /// The first norm, while nothing was added.
  private var first: Variable?

  /// Begins with rows of tokens; in the same pass comes their norm, that of the first branch.
  init(_ tokens: TokenRows, _ norm: Norm?) {
    if let norm {
      let (rows, normalised) = norm(of: tokens)
      (x, first) = (rows, normalised)
    } else {
      x = tokens.gathered()
    }
  }

  /// Adds a branch: a function of the norm of what is there so far, which is the stream's own norm for
  /// the first branch.
  mutating func add(_ norm: Norm, _ branch: (Variable) -> Variable) {
    last = branch(normalised(norm))
  }

  /// Adds a branch at some positions, and keeps these alone: [rows, width] instead of
  /// [batch, length, width].
  mutating func add(_ norm: Norm, at places: IndexTensor, _ branch: (Variable) -> Variable) {
    let input = normalised(norm)
    let all = x
    // The same for what is kept and for its norm, so that both have one way back to the stream.
    lazy var kept = all.gatheringRows(
      at: places, shape: [places.count, all.columns], distinct: true)
    let added = all.tape.wanting(places, of: input, from: { norm(kept) }) { branch(input) }
    last = added
    if added.shape == [places.count, all.columns] {
      x = kept
    } else {
      keep(places)
    }
  }

  /// The norm of what is there so far, after the addition that waits.
  private mutating func normalised(_ norm: Norm) -> Variable {
    guard let added = last else {
      defer { first = nil }
      return first ?? norm(x)
    }
    let (sum, normalised) = norm(x, adding: added)
    x = sum
    return normalised
  }

  /// Adds a channel mixer of the norm of what is there so far, as one operation where the device has
  /// it.
  mutating func mix(_ norm: Norm, _ channelMixer: ChannelMixer) {
    let sum = last.map { x.adding($0) } ?? x
    if let whole = channelMixer.added(to: sum, norm: norm) {
      (x, last) = (whole, nil)
    } else {
      (x, last) = (sum, channelMixer(norm(sum)))
    }
  }

  /// Keeps some positions alone: [rows, width] instead of [batch, length, width].
  mutating func keep(_ places: IndexTensor) {
    if let added = last {
      x = x.gatheringRows(ofSumWith: added, at: places)
      last = nil
    } else {
      x = x.gatheringRows(at: places, shape: [places.count, x.columns], distinct: true)
    }
  }
}
