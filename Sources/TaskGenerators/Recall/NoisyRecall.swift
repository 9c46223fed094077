public import Configuration
public import Randomness

/// Noisy recall: associative recall with tokens in between that mean nothing.
///
/// The noisy in-context recall of Poli et al. 2024 (MAD, arXiv 2403.17844), whose ids and sizes
/// are the defaults: each slot of the stream holds, with probability `noise`, two ids of noise
/// in place of a pair. One slot, anywhere, holds a pair in any case. The rest is as in
/// `associative-recall`. The slice `noise` is in percent.
///
///     tokens, repeats   k1 v1 n  n  k2 v2 n  n  k1 v1
///     target            .  .  .  .  .  .  .  .  v1 .
public struct NoisyRecall: TaskGenerator {
  public static let info = TaskInfo(
    name: "noisy-recall",
    summary: "noisy recall: associative recall with noise between the pairs",
    picture: """
      tokens, repeats   k1 v1 n  n  k2 v2 n  n  k1 v1
      target            .  .  .  .  .  .  .  .  v1 .
      """,
    paper: "Poli et al. 2024 (MAD)",
    version: 1,
    settings: PairStream.settings(vocabulary: 32, scored: .repeats) + [
      Setting(
        "noise", .number(0...0.99), default: .number(0.2),
        "probability that a slot holds noise in place of a pair"),
      Setting(
        "noiseVocabulary", .integer(1...524_288), default: .integer(16),
        "number of noise ids; they are a part of V"),
    ],
    slices: ["keys", "noise", "length"],
    metric: .tokenAccuracy)

  public let settings: SettingValues
  private let stream: PairStream

  public init(settings: SettingValues) throws(SettingError) {
    self.settings = settings
    stream = try PairStream(
      settings: settings, noise: settings.number("noise"),
      noiseCount: settings.integer("noiseVocabulary"))
  }

  public var vocabulary: Int { stream.vocabulary }
  public var maximumLength: Int { stream.maximumLength }
  public var maximumTargets: Int { stream.maximumTargets }
  public var chance: Double { stream.chance }

  public func write(using random: inout RandomSource, into example: inout Example) {
    let shown = stream.write(using: &random, into: &example)
    example.slices.append(powerOfTwo(atLeast: shown))
    example.slices.append(Int(100 * stream.noise + 0.5))
    example.slices.append(stream.length)
  }

  public func solve(_ tokens: [Int32]) -> [Target] { stream.solve(tokens) }

  /// A random value among the pairs that stand before the question.
  public func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] {
    stream.guess(tokens, using: &random)
  }

  public var baselines: [Baseline] { [guessBaseline(named: "random value of the context")] }

  public func describe(_ example: Example) -> [String] { stream.describe(example) }
}
