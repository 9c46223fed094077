public import Configuration
public import Randomness

/// Membership in a regular language, of every prefix or of the whole string.
///
/// The languages are those of Tomita 1982 and of Bhattamishra et al. 2020 by name, or any that a
/// deterministic automaton accepts, given as a text (`language: custom`):
///
///     0 a 0; 0 b 1; 1 a 1; 1 b 0; accept 0
///
/// with clauses FROM SYMBOL TO and one "accept STATE …"; states are numbers, 0 is the start, and
/// what has no transition is rejected for ever.
///
///     tomita-3   tokens            1  0  0  1  1  1  0
///                target, running   1  0  1  1  1  1  0
///
/// Half of the strings of a length are accepted and half rejected where both exist, each string of
/// its half equally likely. So chance is 1/2 for `final`, which draws lengths with both only. For
/// `running` it is the share of the commoner answer over all prefixes, computed exactly, for
/// giving that answer always.
///
/// The strings of a length and half are dealt out among the splits (``WordSpace``); where there are
/// fewer than three, such as the single one that tomita-1 accepts, all splits share them.
///
/// Ids: the symbols in ascending order; the answers 0 (rejected) and 1 (accepted) are ids as well.
public struct RegularLanguageMembership: TaskGenerator {
  private static let custom = "custom"

  public static let info = TaskInfo(
    name: "regular-language",
    summary: "regular language: whether an automaton accepts, after every symbol or at the end",
    picture: """
      tokens            1  0  0  1  1  1  0     tomita-3
      target, running   1  0  1  1  1  1  0
      target, final     .  .  .  .  .  .  0
      """,
    paper: "Tomita 1982; Bhattamishra et al. 2020",
    version: 2,
    settings: [
      Setting(
        "language", .choice(NamedLanguages.all.map(\.name) + [custom]), default: .text("tomita-3"),
        "the language's name; custom: that of the setting 'automaton'"),
      Setting(
        "automaton", .text, default: .text(""),
        "with custom: clauses FROM SYMBOL TO and accept STATE …, as 0 a 1; 1 b 0; accept 0"),
      AnswerPlace.setting(
        default: .running,
        "running: membership of every prefix; final: membership of the whole string"),
      Setting(
        "length", .integers(1...4096), default: .range(3...40), "symbols of a string, or a range"),
    ],
    slices: ["length", "accepted"],
    metrics: [.tokenAccuracy, .sequenceAccuracy])

  public let settings: SettingValues
  package let automaton: Automaton
  private let sampler: MembershipSampler
  private let isRunning: Bool
  /// The lengths that are drawn, in ascending order.
  private let lengths: [Int]
  private let commonerAnswer: Int32
  public let chance: Double

  public init(settings: SettingValues) throws(SettingError) {
    self.settings = settings
    automaton = try Self.automaton(of: settings)
    isRunning = settings.text("target") == AnswerPlace.running.rawValue
    let range = settings.integers("length")
    let sampler = MembershipSampler(automaton, longest: range.upperBound)
    self.sampler = sampler
    lengths = isRunning ? Array(range) : range.filter { sampler.hasBoth(length: $0) }
    guard !lengths.isEmpty else {
      throw SettingError(
        "target", "'target' is final, but no length has accepted and rejected strings",
        help: "it must be running, or 'length' one at which some strings are accepted "
          + "and others rejected")
    }
    let accepted = isRunning ? Self.acceptedShare(sampler, lengths) : 0.5
    commonerAnswer = accepted > 0.5 ? 1 : 0
    chance = max(accepted, 1 - accepted)
  }

  private static func automaton(of settings: SettingValues) throws(SettingError) -> Automaton {
    let language = settings.text("language")
    let text = settings.text("automaton")
    if language == custom { return try Automaton(text) }
    guard text.isEmpty else {
      throw SettingError(
        "automaton", "'automaton' is given with language '\(language)'",
        help: "leave it out, or set 'language' to custom")
    }
    return try Automaton(NamedLanguages.automaton(named: language) ?? "")
  }

  /// The expected share of accepted prefixes among all prefixes of words of random lengths.
  private static func acceptedShare(_ sampler: MembershipSampler, _ lengths: [Int]) -> Double {
    let expected = (0...1).map { sampler.acceptedPrefixes(label: $0) }
    var accepted = 0.0
    for length in lengths {
      let labels = (0...1).filter { sampler.exists($0, length: length) }
      for label in labels {
        accepted += expected[label][length] / Double(labels.count)
      }
    }
    return accepted / Double(lengths.reduce(0, +))
  }

  public var vocabulary: Int { max(2, automaton.symbols.count) }
  public var maximumLength: Int { lengths[lengths.count - 1] }
  public var maximumTargets: Int { isRunning ? maximumLength : 1 }

  public func write(using random: inout RandomSource, into example: inout Example) {
    write(using: &random, anyOf: nil, into: &example)
  }

  public func write(using random: inout RandomSource, split: Split, into example: inout Example) {
    write(using: &random, anyOf: split, into: &example)
  }

  private func write(
    using random: inout RandomSource, anyOf split: Split?, into example: inout Example
  ) {
    let length = lengths[random.uniform(below: lengths.count)]
    let label =
      sampler.hasBoth(length: length) ? random.bit() : sampler.exists(1, length: length) ? 1 : 0
    example.reset(length: length)
    example.slices.append(length)
    example.slices.append(label)
    example.tokens.withUnsafeMutableBufferPointer {
      sampler.fill($0, label: label, split: split, using: &random)
    }
    guard isRunning else {
      return example.targets.append(Target(position: length - 1, token: Int32(label)))
    }
    var state = 0
    for position in 0..<length {
      state = automaton.state(after: state, reading: Int(example.tokens[position]))
      let answer: Int32 = automaton.isAccepting[state] ? 1 : 0
      example.targets.append(Target(position: position, token: answer))
    }
  }

  private func positions(of tokens: [Int32]) -> Range<Int> {
    isRunning ? tokens.indices : tokens.count - 1..<tokens.count
  }

  public func solve(_ tokens: [Int32]) -> [Target] {
    var state = 0
    let answers = tokens.enumerated().map { position, token in
      state = automaton.state(after: state, reading: Int(token))
      return Target(position: position, token: automaton.isAccepting[state] ? 1 : 0)
    }
    return Array(answers[positions(of: tokens)])
  }

  /// The commoner answer, always; a coin where both are equally common.
  public func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] {
    positions(of: tokens).map {
      let answer = isRunning ? commonerAnswer : Int32(random.bit())
      return Target(position: $0, token: answer)
    }
  }

  public func describe(_ example: Example) -> [String] {
    example.tokens.map { "'\(automaton.symbols[Int($0)])' \($0)" }
  }
}
