import Randomness
import Tensors

extension OpCatalog {
  /// Every decay with every update and read over odd shapes; then what the shapes left out.
  static let matrixScanCases: [OpCase] = {
    var cases: [OpCase] = []
    for decay in ScanSetting.Decay.allCases {
      for update in ScanSetting.Update.allCases {
        for exclusive in [false, true] {
          let size = ScanSetting.Size.odd[cases.count % ScanSetting.Size.odd.count]
          var setting = ScanSetting(size, decay, update, exclusive: exclusive)
          setting.carriesState = cases.count % 3 != 1
          cases.append(setting.entry(""))
        }
      }
    }
    return cases + ScanSetting.special.map { name, setting in setting.entry(name) }
  }()

  /// The shapes of the architectures, to measure speed.
  package static let scanTimings: [OpCase] = ScanSetting.timings.map { name, setting in
    setting.entry(name, measuresOnly: true)
  }
}

/// One combination of the options and sizes of a matrix scan.
private struct ScanSetting: Sendable {
  enum Decay: String, CaseIterable { case none, perHead, scalar, vector }
  enum Update: String, CaseIterable { case add, delta, rankOne }

  struct Size: CustomStringConvertible {
    var batch: Int
    var length: Int
    var heads: Int
    var keyHeads: Int
    var keyDim: Int
    var valueDim: Int

    init(_ batch: Int, _ length: Int, _ heads: Int, _ keyHeads: Int, _ keyDim: Int, _ valueDim: Int)
    {
      (self.batch, self.length, self.heads) = (batch, length, heads)
      (self.keyHeads, self.keyDim, self.valueDim) = (keyHeads, keyDim, valueDim)
    }

    var description: String { "B\(batch)-T\(length)-H\(heads)/\(keyHeads)-K\(keyDim)-V\(valueDim)" }

    /// Short for wide states and narrow for long ones, to keep the references small.
    static let odd = [
      Size(1, 1, 1, 1, 17, 33), Size(2, 7, 4, 2, 3, 5), Size(1, 33, 2, 2, 3, 5),
      Size(1, 65, 1, 1, 2, 7), Size(1, 2, 2, 1, 5, 70),
    ]
  }

  var size: Size
  var decay: Decay
  var update: Update
  var exclusive: Bool
  /// Whether there is an initial state and the final one is a result.
  var carriesState = true
  var factors: ClosedRange<Double> = -1...1
  var beta: ClosedRange<Double> = 0...2
  /// Where not 0, beta is this times the sigmoid of the input.
  var logits = 0
  var keys: OpInput.Law = .unitRows
  var values: OpInput.Law = .normal(scale: 1)
  /// The first token whose output has a loss, and that loss's weight: as where few positions are
  /// asked for, most gradients of the output are zeros and the others small.
  var firstScored = 0
  var lossWeight: Float = 1

  init(_ size: Size, _ decay: Decay, _ update: Update, exclusive: Bool = false) {
    (self.size, self.decay, self.update, self.exclusive) = (size, decay, update, exclusive)
  }

  private static let small = Size(2, 7, 2, 2, 3, 4)

  static var special: [(String, ScanSetting)] {
    var zeros = Update.allCases.map { ScanSetting(small, .scalar, $0) }
    zeros.append(ScanSetting(small, .vector, .delta, exclusive: true))
    for index in zeros.indices { zeros[index].factors = 0...0 }
    var reflections = ScanSetting(Size(1, 17, 1, 1, 4, 8), .none, .delta)
    reflections.beta = 2...2
    var vanishing = ScanSetting(Size(1, 32, 1, 1, 32, 16), .vector, .add)
    vanishing.factors = 0...0
    let stateless: [(String, ScanSetting)] = [
      ScanSetting(Size(2, 22, 2, 1, 16, 32), .scalar, .delta),
      ScanSetting(Size(1, 31, 1, 1, 32, 16), .perHead, .add),
      ScanSetting(Size(1, 70, 1, 1, 16, 16), .scalar, .delta),
      ScanSetting(Size(1, 40, 2, 1, 16, 16), .none, .delta),
      ScanSetting(Size(1, 27, 1, 1, 16, 16), .none, .delta),
      ScanSetting(Size(2, 13, 2, 1, 32, 32), .none, .delta),
      ScanSetting(Size(1, 14, 2, 2, 24, 16), .scalar, .delta),
    ].map { setting in
      var setting = setting
      setting.carriesState = false
      return ("chunks", setting)
    }
    return zeros.map { ("zero decay", $0) } + stateless + extremes + ofLogits + [
      ("reflections", reflections),
      ("wide", ScanSetting(Size(1, 2, 1, 1, 9, 131), .vector, .delta)),
      ("wide", ScanSetting(Size(1, 2, 1, 1, 9, 81), .perHead, .rankOne, exclusive: true)),
      ("tall", ScanSetting(Size(1, 3, 1, 1, 130, 3), .scalar, .delta)),
      ("shared keys", ScanSetting(Size(1, 5, 6, 2, 4, 6), .vector, .rankOne)),
      ("shared keys", ScanSetting(Size(2, 17, 3, 1, 4, 3), .scalar, .add, exclusive: true)),
      ("one number", ScanSetting(Size(1, 16, 1, 1, 1, 1), .scalar, .delta)),
      ("half vector", ScanSetting(Size(1, 17, 1, 1, 4, 8), .vector, .add)),
      ("chunks", ScanSetting(Size(1, 37, 2, 1, 17, 20), .scalar, .delta)),
      ("chunks", ScanSetting(Size(1, 33, 1, 1, 16, 17), .perHead, .add)),
      ("chunks", ScanSetting(Size(1, 37, 1, 1, 33, 20), .vector, .add)),
      ("filled chunks", ScanSetting(Size(1, 20, 2, 1, 12, 24), .scalar, .delta)),
      ("one chunk", ScanSetting(Size(1, 15, 2, 1, 16, 24), .scalar, .delta)),
      ("one chunk", ScanSetting(Size(1, 9, 1, 1, 16, 64), .perHead, .add)),
      ("filled chunks", ScanSetting(Size(1, 34, 1, 1, 20, 16), .perHead, .add)),
      ("zero decay in chunks", vanishing),
      ("rounds of chunks", ScanSetting(Size(1, 35, 2, 1, 16, 32), .vector, .add)),
      ("many chunks", ScanSetting(Size(1, 131, 1, 1, 16, 16), .vector, .add)),
      ("tiles of values", ScanSetting(Size(1, 18, 1, 1, 16, 132), .scalar, .delta)),
      ("tiles of values", ScanSetting(Size(1, 34, 1, 1, 16, 132), .vector, .add)),
      ("tall chunks", ScanSetting(Size(1, 17, 1, 1, 132, 16), .scalar, .delta)),
    ]
  }

  private static var ofLogits: [(String, ScanSetting)] {
    let settings: [(logits: Int, carriesState: Bool, ScanSetting)] = [
      (2, false, ScanSetting(Size(2, 13, 2, 1, 32, 32), .none, .delta)),
      (1, false, ScanSetting(Size(1, 22, 2, 2, 16, 32), .none, .delta)),
      (2, true, ScanSetting(Size(1, 37, 2, 1, 16, 20), .scalar, .delta)),
      (1, true, ScanSetting(small, .vector, .delta)),
    ]
    return settings.map { logits, carriesState, setting in
      var setting = setting
      (setting.logits, setting.carriesState) = (logits, carriesState)
      return ("logits", setting)
    }
  }

  /// What kernels that work in chunks, with factors of few bits, have to keep apart or in range.
  private static var extremes: [(String, ScanSetting)] {
    let size = Size(1, 68, 1, 1, 16, 8)
    var added = ScanSetting(size, .vector, .add)
    (added.factors, added.carriesState) = (0.9...1, false)
    (added.firstScored, added.lossWeight) = (64, 1e-5)
    let deltas: [(String, ScanSetting)] = [
      ScanSetting(size, .none, .delta), ScanSetting(size, .scalar, .delta),
    ].flatMap { plain in
      var late = plain
      late.factors = 0.9...1
      var repeated = late
      let entry = 1 / Double(size.keyDim).squareRoot()
      (repeated.keys, repeated.beta) = (.uniform(entry...entry), 1...1)
      (late.firstScored, late.lossWeight, late.carriesState) = (64, 1e-5, false)
      var strong = late
      strong.values = .normal(scale: 1e5)
      return [("late output", late), ("the same key", repeated), ("strong values", strong)]
    }
    let vanishing: [(String, ScanSetting)] = [0.0, 1e-30].map { factor in
      var vanishing = ScanSetting(size, .scalar, .delta)
      vanishing.factors = factor...factor
      return ("vanishing decay in chunks", vanishing)
    }
    return [("late output", added)] + deltas + vanishing
  }

  static var timings: [(String, ScanSetting)] {
    let settings: [(String, ScanSetting)] = [
      ("DeltaNet", ScanSetting(Size(64, 64, 2, 2, 32, 32), .none, .delta)),
      ("DeltaNet", ScanSetting(Size(32, 256, 2, 2, 32, 32), .none, .delta)),
      ("DeltaNet", ScanSetting(Size(64, 64, 1, 1, 64, 64), .none, .delta)),
      ("DeltaNet", ScanSetting(Size(64, 64, 4, 4, 16, 16), .none, .delta)),
      ("DeltaNet", ScanSetting(Size(256, 40, 4, 4, 32, 32), .none, .delta)),
      ("GatedDeltaNet", ScanSetting(Size(64, 64, 2, 2, 32, 32), .scalar, .delta)),
      ("KDA", ScanSetting(Size(64, 64, 2, 2, 32, 32), .vector, .delta)),
      ("Mamba2", ScanSetting(Size(64, 64, 2, 1, 64, 64), .scalar, .add)),
      ("GLA", ScanSetting(Size(64, 64, 4, 4, 8, 16), .vector, .add)),
      ("GLA", ScanSetting(Size(32, 256, 2, 2, 32, 64), .vector, .add)),
      ("RWKV6", ScanSetting(Size(64, 64, 2, 2, 32, 32), .vector, .add, exclusive: true)),
      ("RWKV7", ScanSetting(Size(64, 64, 2, 2, 32, 32), .vector, .rankOne)),
      ("linear attention", ScanSetting(Size(64, 64, 1, 1, 64, 64), .none, .add)),
      ("linear attention", ScanSetting(Size(8, 1024, 2, 2, 64, 64), .none, .add)),
    ]
    return settings.map { name, setting in
      var timed = setting
      timed.carriesState = false
      return (name, timed)
    }
  }

  func entry(_ name: String, measuresOnly: Bool = false) -> OpCase {
    let reference: @Sendable ([DoubleArray]) -> [DoubleArray] = { self.reference($0) }
    let options = [
      name, "\(decay)-\(update)", exclusive ? "exclusive" : "", carriesState ? "state" : "",
      "\(size)",
    ]
    return OpCase(
      "matrix scan", options.filter { !$0.isEmpty }.joined(separator: " "),
      inputs: inputs.map(\.input), flops: flops, reference: measuresOnly ? nil : reference,
      run: { _, variables in run(variables) })
  }

  /// Two operations for each state element written and read, and for each look at the old state.
  private var flops: Double {
    let elements = Double(size.batch * size.length * size.heads * size.keyDim * size.valueDim)
    let decaying: Double = decay == .none ? 0 : 1
    return elements * (decaying + (update == .add ? 4 : update == .delta ? 6 : 8))
  }

  private enum Role { case q, k, v, decay, beta, a, b, bonus, initial }

  private var inputs: [(role: Role, input: OpInput)] {
    let rows = [size.batch, size.length, size.heads]
    let keyRows = [size.batch, size.length, size.keyHeads, size.keyDim]
    var inputs: [(Role, OpInput)] = [
      (.q, OpInput("q", keyRows)), (.k, OpInput("k", keyRows, keys)),
      (.v, OpInput("v", rows + [size.valueDim], values)),
    ]
    switch decay {
    case .none: break
    case .perHead: inputs.append((.decay, OpInput("decay", [size.heads], .uniform(factors))))
    case .scalar: inputs.append((.decay, OpInput("decay", rows, .uniform(factors))))
    case .vector:
      inputs.append((.decay, OpInput("decay", rows + [size.keyDim], .uniform(factors))))
    }
    switch update {
    case .add: break
    case .delta:
      let law: OpInput.Law = logits == 0 ? .uniform(beta) : .normal(scale: 1)
      inputs.append((.beta, OpInput(logits == 0 ? "beta" : "logits", rows, law)))
    case .rankOne:
      inputs.append((.a, OpInput("a", rows + [size.keyDim], .unitRows)))
      inputs.append((.b, OpInput("b", rows + [size.keyDim], .normal(scale: 0.2))))
    }
    if exclusive { inputs.append((.bonus, OpInput("bonus", [size.heads, size.keyDim]))) }
    if carriesState {
      let state = [size.batch, size.heads, size.keyDim, size.valueDim]
      inputs.append((.initial, OpInput("initial", state)))
    }
    return inputs
  }

  /// The values in the order of `inputs`, by their roles.
  private func assigned<Value>(_ values: [Value]) -> [Role: Value] {
    Dictionary(uniqueKeysWithValues: zip(inputs.map(\.role), values))
  }

  private func run(_ variables: [Variable]) -> [Variable] {
    let operands = assigned(variables)
    var scan = MatrixScan(scale: 0.5)
    if let factor = operands[.decay] {
      scan.decay =
        decay == .perHead ? .perHead(factor) : decay == .scalar ? .scalar(factor) : .vector(factor)
    }
    if let beta = operands[.beta] {
      scan.update = logits == 0 ? .delta(beta: beta) : .deltaOfLogits(beta, most: logits)
    }
    if let a = operands[.a], let b = operands[.b] { scan.update = .rankOne(a: a, b: b) }
    if let bonus = operands[.bonus] { scan.read = .exclusive(bonus: bonus) }
    let (output, final) = scan(
      q: variables[0], k: variables[1], v: variables[2], initial: operands[.initial],
      wantsFinal: carriesState)
    return [scored(output)] + (final.map { [$0] } ?? [])
  }

  private func lossWeight(at time: Int) -> Float { time < firstScored ? 0 : lossWeight }

  private func scored(_ output: Variable) -> Variable {
    guard firstScored > 0 || lossWeight != 1 else { return output }
    let rows = Array(output.shape.dropLast())
    let factors = (0..<rows.reduce(1, *)).map { lossWeight(at: $0 / size.heads % size.length) }
    let tape = output.tape
    return output.scalingRows(by: tape.constant(tape.backend.tensor(factors, rows)))
  }
}

extension ScanSetting {
  /// The definition, one token after the other.
  fileprivate func reference(_ arrays: [DoubleArray]) -> [DoubleArray] {
    let operands = assigned(arrays)
    var output = DoubleArray([size.batch, size.length, size.heads, size.valueDim])
    var final = DoubleArray([size.batch, size.heads, size.keyDim, size.valueDim])
    for batch in 0..<size.batch {
      for head in 0..<size.heads {
        var state = Matrix(rows: size.keyDim, columns: size.valueDim)
        let place = (batch * size.heads + head) * state.elements.count
        if let initial = operands[.initial] {
          state.elements = Array(initial.values[place..<place + state.elements.count])
        }
        for time in 0..<size.length {
          let token = Token(self, operands, batch, time, head)
          let old = state
          token.write(to: &state)
          var seen = state
          if let bonus = operands[.bonus] {
            seen = old
            let first = head * size.keyDim
            let weighted = (0..<size.keyDim).map { bonus.values[first + $0] * token.k[$0] }
            seen.add(weighted, token.v)
          }
          let first = ((batch * size.length + time) * size.heads + head) * size.valueDim
          for (column, value) in seen.read(token.q).enumerated() {
            output.values[first + column] = 0.5 * Double(lossWeight(at: time)) * value
          }
        }
        final.values.replaceSubrange(place..<place + state.elements.count, with: state.elements)
      }
    }
    return carriesState ? [output, final] : [output]
  }

  /// What one token brings for one head.
  private struct Token {
    var q: [Double]
    var k: [Double]
    var v: [Double]
    /// The factor of each row of the state.
    var decay: [Double]
    var beta: Double?
    var a: [Double]?
    var b: [Double]?

    init(
      _ setting: ScanSetting, _ operands: [Role: DoubleArray], _ batch: Int, _ time: Int,
      _ head: Int
    ) {
      let size = setting.size
      let position = batch * size.length + time
      let index = position * size.heads + head
      func vector(_ role: Role, _ index: Int, _ count: Int) -> [Double]? {
        operands[role].map { Array($0.values[index * count..<(index + 1) * count]) }
      }
      let shared = position * size.keyHeads + head / (size.heads / size.keyHeads)
      q = vector(.q, shared, size.keyDim) ?? []
      k = vector(.k, shared, size.keyDim) ?? []
      v = vector(.v, index, size.valueDim) ?? []
      beta = operands[.beta]?.values[index]
      if setting.logits > 0 {
        beta = beta.map { Double(setting.logits) / (1 + PortableMath.exp(-$0)) }
      }
      a = vector(.a, index, size.keyDim)
      b = vector(.b, index, size.keyDim)
      let factor =
        switch setting.decay {
        case .none: [1.0]
        case .perHead: vector(.decay, head, 1)
        case .scalar: vector(.decay, index, 1)
        case .vector: vector(.decay, index, size.keyDim)
        }
      decay = factor ?? []
      if decay.count == 1 { decay = [Double](repeating: decay[0], count: size.keyDim) }
    }

    func write(to state: inout Matrix) {
      let old = state
      state.scaleRows(by: decay)
      if let beta {
        let answer = state.read(k)
        state.add(k, zip(v, answer).map { beta * ($0 - $1) })
      } else {
        state.add(k, v)
      }
      if let a, let b { state.add(b, old.read(a)) }
    }
  }

  private struct Matrix {
    var rows: Int
    var columns: Int
    var elements: [Double]

    init(rows: Int, columns: Int) {
      (self.rows, self.columns) = (rows, columns)
      elements = [Double](repeating: 0, count: rows * columns)
    }

    mutating func scaleRows(by factors: [Double]) {
      for row in 0..<rows {
        for index in row * columns..<(row + 1) * columns { elements[index] *= factors[row] }
      }
    }

    /// Adds the outer product x yᵀ.
    mutating func add(_ x: [Double], _ y: [Double]) {
      for row in 0..<rows {
        addMultiple(x[row], of: y, 0, to: &elements, row * columns, columns)
      }
    }

    /// The product of the transpose with x.
    func read(_ x: [Double]) -> [Double] {
      var sum = [Double](repeating: 0, count: columns)
      for row in 0..<rows {
        addMultiple(x[row], of: elements, row * columns, to: &sum, 0, columns)
      }
      return sum
    }
  }
}
