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
    guard let added = last else {
      let normalised = first ?? norm(x)
      first = nil
      return last = branch(normalised)
    }
    let (sum, normalised) = norm(x, adding: added)
    x = sum
    last = branch(normalised)
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
  ///
  /// What waits to be added may be these positions already.
  mutating func keep(_ places: IndexTensor) {
    let shape = [places.count, x.columns]
    if let added = last, added.shape != shape {
      x = x.gatheringRows(ofSumWith: added, at: places)
      last = nil
    } else {
      x = x.gatheringRows(at: places, shape: shape, distinct: true)
    }
  }
}
