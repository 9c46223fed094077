public import Configuration
public import Randomness

/// The parity of a random bit string.
///
/// The smallest state-tracking task: one bit of state, which every token may flip. Recurrences
/// whose transitions have eigenvalues in [0, 1] only cannot solve it at every length; those with
/// negative ones can (Grazzi et al. 2024, "Unlocking state-tracking in linear RNNs through
/// negative eigenvalues").
///
///     tokens           1  0  1  1
///     target, final    .  .  .  1
///     target, running  1  1  0  1
///
/// The length counts the answer, as the papers do: an example of length s has s - 1 tokens.
/// DeepMind's variant counts bits, so its "1 to 40" is 2 to 41 here.
///
/// What comes before the last bit is dealt out among the splits (``WordSpace``), so that they have
/// no string in common and each has as many even as odd ones. With one or two bits that cannot be,
/// and every split has all strings.
public struct Parity: TaskGenerator {
  public static let info = TaskInfo(
    name: "parity",
    summary: "parity: the exclusive or of random bits, at the end or after every bit",
    picture: """
      tokens           1  0  1  1
      target, final    .  .  .  1
      target, running  1  1  0  1
      """,
    paper: "Delétang et al. 2022; Grazzi et al. 2024",
    version: 2,
    settings: [
      Setting(
        "length", .integers(2...1_048_576), default: .range(3...40),
        "length s, or a range of it; it counts the answer, so there are s - 1 bits"),
      Setting(
        "mode", .choice(Mode.allCases.map(\.rawValue)), default: .text(Mode.final.rawValue),
        "final: the parity of all bits at the last; running: the parity so far at every bit"),
    ],
    slices: ["length"],
    metrics: [.tokenAccuracy])

  /// Where the parity is asked for.
  private enum Mode: String, CaseIterable { case final, running }

  public let settings: SettingValues
  private let length: ClosedRange<Int>
  private let isRunning: Bool

  public init(settings: SettingValues) throws(SettingError) {
    self.settings = settings
    length = settings.integers("length")
    isRunning = settings.text("mode") == Mode.running.rawValue
  }

  public var vocabulary: Int { 2 }
  public var maximumLength: Int { length.upperBound - 1 }
  public var maximumTargets: Int { isRunning ? maximumLength : 1 }
  public var chance: Double { 0.5 }

  public func write(using random: inout RandomSource, into example: inout Example) {
    write(using: &random, anyOf: nil, into: &example)
  }

  public func write(using random: inout RandomSource, split: Split, into example: inout Example) {
    write(using: &random, anyOf: split, into: &example)
  }

  private func write(
    using random: inout RandomSource, anyOf split: Split?, into example: inout Example
  ) {
    let length = random.uniform(in: self.length)
    example.reset(length: length - 1)
    example.slices.append(length)
    let beginnings = WordSpace(alphabet: 2, length: length - 2)
    example.tokens.withUnsafeMutableBufferPointer { bits in
      let last = bits.count - 1
      beginnings.fill(.init(rebasing: bits[..<last]), split: split, using: &random)
      bits[last] = Int32(random.bit())
    }
    appendTargets(of: example.tokens, to: &example.targets)
  }

  public func solve(_ tokens: [Int32]) -> [Target] {
    var ones = 0
    let answers = tokens.indices.map { position in
      ones += Int(tokens[position])
      return Target(position: position, token: Int32(ones % 2))
    }
    return isRunning ? answers : answers.suffix(1)
  }

  /// A coin: any proper part of the bits says nothing of the parity of all.
  public func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] {
    let positions = isRunning ? Array(tokens.indices) : Array(tokens.indices.suffix(1))
    return positions.map { Target(position: $0, token: Int32(random.bit())) }
  }

  public func describe(_ example: Example) -> [String] {
    example.tokens.map { "bit \($0)" }
  }

  private func appendTargets(of tokens: [Int32], to targets: inout [Target]) {
    var parity: Int32 = 0
    for (position, bit) in tokens.enumerated() {
      parity ^= bit
      if isRunning { targets.append(Target(position: position, token: parity)) }
    }
    if !isRunning { targets.append(Target(position: tokens.count - 1, token: parity)) }
  }
}
