import Autograd
import CPUBackend
import Randomness
import Tensors

import Testing

/// What the definition of the scan implies, checked without a reference.
@Suite struct MatrixScanTests {
  private let tape: Tape
  private let backend: CPUBackend
  private let batch = 2
  private let length = 37
  private let heads = 2
  private let keyDim = 20
  private let valueDim = 24

  init() throws {
    backend = try CPUBackend(poison: true)
    tape = Tape(backend)
  }

  private func variable(_ shape: [Int], _ law: OpInput.Law, seed: UInt64) -> Variable {
    let elements = OpInput("x", shape, law).elements(seed: seed)
    return Variable(backend.tensor(elements, shape), on: tape, needsGradient: true)
  }

  private func keys(seed: UInt64, length: Int? = nil) -> Variable {
    variable([batch, length ?? self.length, heads, keyDim], .unitRows, seed: seed)
  }

  private func values(seed: UInt64, length: Int? = nil) -> Variable {
    variable([batch, length ?? self.length, heads, valueDim], .normal(scale: 1), seed: seed)
  }

  private func numbers(in range: ClosedRange<Double>, seed: UInt64) -> Variable {
    variable([batch, length, heads], .uniform(range), seed: seed)
  }

  private func elements(_ variable: Variable?) throws -> [Double] {
    backend.values(try #require(variable).value).map(Double.init)
  }

  /// Rows of x, [..., columns], each times its factor.
  private func scaled(_ x: Variable, by factors: Variable, times sign: Float = 1) -> Variable {
    let scales = backend.values(factors.value)
    let elements = backend.values(x.value).enumerated().map { index, element in
      sign * element * scales[index / x.columns]
    }
    return Variable(backend.tensor(elements, x.shape), on: tape)
  }

  @Test func deltaIsARankOneUpdate() throws {
    let (q, k, v) = (keys(seed: 1), keys(seed: 2), values(seed: 3))
    let decay = numbers(in: -1...1, seed: 4)
    let beta = numbers(in: 0...2, seed: 5)
    let delta = MatrixScan(decay: .scalar(decay), update: .delta(beta: beta))
    let rankOne = MatrixScan(
      decay: .scalar(decay),
      update: .rankOne(a: scaled(k, by: decay), b: scaled(k, by: beta, times: -1)))
    let first = delta(q: q, k: k, v: v, wantsFinal: true)
    let second = rankOne(q: q, k: k, v: scaled(v, by: beta), wantsFinal: true)
    #expect(try relativeError(elements(second.output), elements(first.output)) < 1e-5)
    #expect(try relativeError(elements(second.final), elements(first.final)) < 1e-5)
  }

  @Test func decayOfOneIsNone() throws {
    let (q, k, v) = (keys(seed: 1), keys(seed: 2), values(seed: 3))
    let beta = numbers(in: 0...2, seed: 4)
    let ones = Variable(backend.empty([batch, length, heads]), on: tape)
    backend.fill(ones.value, with: 1)
    let rows = Variable(backend.empty(k.shape), on: tape)
    backend.fill(rows.value, with: 1)
    for update in [MatrixScan.Update.add, .delta(beta: beta)] {
      let plain = MatrixScan(update: update)(q: q, k: k, v: v).output
      for decay in [MatrixScan.Decay.scalar(ones), .vector(rows)] {
        let decayed = MatrixScan(decay: decay, update: update)(q: q, k: k, v: v).output
        #expect(try relativeError(elements(decayed), elements(plain)) < 1e-5)
      }
    }
  }

  /// Tokens `range` of x, [batch, length, ...], as a variable of its own.
  private func segment(_ x: Variable, _ range: Range<Int>) -> Variable {
    let row = x.shape[2...].reduce(1, *)
    let all = backend.values(x.value)
    let part = (0..<batch).flatMap { index in
      let start = index * length
      return all[(start + range.lowerBound) * row..<(start + range.upperBound) * row]
    }
    let shape = [batch, range.count] + x.shape[2...]
    return Variable(backend.tensor(part, shape), on: tape, needsGradient: true)
  }

  @Test(arguments: [1, 16, 21])
  func segmentsCarryTheState(cut: Int) throws {
    let (q, k, v) = (keys(seed: 1), keys(seed: 2), values(seed: 3))
    let decay = variable(k.shape, .uniform(-1...1), seed: 4)
    let beta = numbers(in: 0...2, seed: 5)
    let bonus = variable([heads, keyDim], .normal(scale: 1), seed: 6)
    func scan(_ range: Range<Int>, _ state: Variable?) -> (output: Variable, final: Variable?) {
      let recurrence = MatrixScan(
        decay: .vector(segment(decay, range)), update: .delta(beta: segment(beta, range)),
        read: .exclusive(bonus: bonus))
      return recurrence(
        q: segment(q, range), k: segment(k, range), v: segment(v, range), initial: state,
        wantsFinal: true)
    }
    let whole = scan(0..<length, nil)
    let first = scan(0..<cut, nil)
    let second = scan(cut..<length, first.final)
    #expect(
      try relativeError(elements(first.output), elements(segment(whole.output, 0..<cut))) < 1e-5)
    #expect(
      try relativeError(elements(second.output), elements(segment(whole.output, cut..<length)))
        < 1e-5)
    #expect(try relativeError(elements(second.final), elements(whole.final)) < 1e-5)
  }

  /// With β = 2 and nothing written every token reflects the state, which keeps its norm.
  @Test func reflectionsKeepTheNorm() throws {
    let length = 4096
    let (q, k) = (keys(seed: 1, length: length), keys(seed: 2, length: length))
    let v = Variable(backend.zeros([batch, length, heads, valueDim]), on: tape)
    let beta = Variable(backend.empty([batch, length, heads]), on: tape)
    backend.fill(beta.value, with: 2)
    let initial = variable([batch, heads, keyDim, valueDim], .normal(scale: 1), seed: 3)
    let scan = MatrixScan(update: .delta(beta: beta))
    let final = scan(q: q, k: k, v: v, initial: initial, wantsFinal: true).final
    let before = try elements(initial).reduce(0) { $0 + $1 * $1 }
    let after = try elements(final).reduce(0) { $0 + $1 * $1 }
    #expect(abs(after / before - 1) < 1e-3)
  }

  @Test func evaluationGivesTheSame() throws {
    let (q, k, v) = (keys(seed: 1), keys(seed: 2), values(seed: 3))
    let scan = MatrixScan(update: .delta(beta: numbers(in: 0...2, seed: 4)), scale: 0.25)
    let recorded = scan(q: q, k: k, v: v).output
    tape.isRecording = false
    let evaluated = scan(q: q, k: k, v: v).output
    #expect(!evaluated.needsGradient)
    #expect(try elements(evaluated) == elements(recorded))
  }

  @Test func gradientsReachOnlyWhatNeedsThem() throws {
    let (q, v) = (keys(seed: 1), values(seed: 3))
    let k = Variable(keys(seed: 2).value, on: tape)
    let output = MatrixScan()(q: q, k: k, v: v, wantsFinal: true).output
    let seed = backend.tensor([Float](repeating: 1, count: v.value.count), v.shape)
    tape.backward(from: [(output, seed)])
    #expect(q.gradient != nil && v.gradient != nil && k.gradient == nil)
  }
}
