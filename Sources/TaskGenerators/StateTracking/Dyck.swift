public import Configuration
public import Randomness

/// Prefixes of balanced brackets of k kinds and bounded depth.
///
/// Dyck-(k, m) of Hewitt et al. 2020, "RNNs can generate bounded hierarchical languages with
/// optimal memory": a bracket opens where none is open, closes where m are, and does either with
/// probability 1/2 in between; kinds are equally likely. Every bracket that closes matches.
/// - `closing`: at every position where a bracket is open, the closing bracket required next (if
///   one closes). It needs the whole stack.
/// - `balanced`: at every position, whether the prefix is balanced. It needs the depth alone.
///
///     tokens             ( [ ] ( ) ) [
///     target, closing    ) ] ) ) ) . ]
///     target, balanced   0 0 0 0 0 1 0
///
/// Chance is 1/k for `closing`, a random kind; echoing the bracket that opened last scores more.
/// For `balanced` it is the share of prefixes that are not balanced, exactly, for answering "no".
///
/// Sequences of up to 128 brackets are dealt out among the splits (``SequenceDeal``); where a length
/// has a single one, as with one kind and depth 1, all splits share it.
///
/// Ids: opening brackets 0 ..< k, closing ones k ..< 2k; the answers of `balanced` are 0 and 1.
public struct Dyck: TaskGenerator {
  private enum Question: String, CaseIterable { case closing, balanced }

  public static let info = TaskInfo(
    name: "dyck",
    summary: "Dyck: in balanced brackets, the closing kind required next, or whether all is closed",
    picture: """
      tokens             ( [ ] ( ) ) [
      target, closing    ) ] ) ) ) . ]
      target, balanced   0 0 0 0 0 1 0
      """,
    paper: "Hewitt et al. 2020",
    version: 3,
    settings: [
      Setting("kinds", .integer(1...512), default: .integer(2), "kinds of brackets k"),
      Setting("depth", .integer(1...4096), default: .integer(8), "greatest depth m"),
      Setting(
        "length", .integers(1...65_536), default: .integer(64), "brackets, or a range of it"),
      Setting(
        "target", .choice(Question.allCases.map(\.rawValue)),
        default: .text(Question.closing.rawValue),
        "closing: the closing bracket required next; balanced: whether the prefix is balanced"),
    ],
    slices: ["length", "depth"],
    metrics: [.tokenAccuracy, .sequenceAccuracy])

  public let settings: SettingValues
  private let kinds: Int
  private let depth: Int
  private let length: ClosedRange<Int>
  private let isClosing: Bool
  public let chance: Double

  public init(settings: SettingValues) throws(SettingError) {
    self.settings = settings
    kinds = settings.integer("kinds")
    depth = settings.integer("depth")
    length = settings.integers("length")
    isClosing = settings.text("target") == Question.closing.rawValue
    guard kinds > 1 || !isClosing else {
      throw SettingError(
        "kinds", "'kinds' is 1 with target 'closing'",
        help: "it must be at least 2, or there is one answer only; 'balanced' takes 1 too")
    }
    chance = isClosing ? 1 / Double(kinds) : Self.unbalancedShare(depth: depth, lengths: length)
  }

  public var vocabulary: Int { 2 * kinds }
  public var maximumLength: Int { length.upperBound }
  public var maximumTargets: Int { length.upperBound }

  /// The expected share of prefixes that are not balanced, over all prefixes of all lengths.
  ///
  /// The depth is a Markov chain whose distribution is followed from prefix to prefix; a prefix
  /// counts once for every length of the range that it occurs in.
  private static func unbalancedShare(depth: Int, lengths: ClosedRange<Int>) -> Double {
    var now = [Double](repeating: 0, count: depth + 1)
    now[0] = 1
    var balanced = 0.0
    var all = 0.0
    for prefix in 1...lengths.upperBound {
      var next = [Double](repeating: 0, count: depth + 1)
      // After an odd number of brackets the depth is odd, so every second one is empty.
      for level in stride(from: (prefix - 1) % 2, through: min(depth, prefix - 1), by: 2) {
        let opening = level == 0 ? 1 : level == depth ? 0 : 0.5
        if level < depth { next[level + 1] += opening * now[level] }
        if level > 0 { next[level - 1] += (1 - opening) * now[level] }
      }
      now = next
      let occurrences = Double(lengths.upperBound - max(prefix, lengths.lowerBound) + 1)
      balanced += occurrences * now[0]
      all += occurrences
    }
    return 1 - balanced / all
  }

  public func write(using random: inout RandomSource, into example: inout Example) {
    let length = random.uniform(in: length)
    example.reset(length: length)
    var source = random
    var deepest = 0
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: min(depth, length)) { stack in
      example.tokens.withUnsafeMutableBufferPointer { tokens in
        var level = 0
        for position in 0..<length {
          if level == 0 || level < depth && source.bit() == 1 {
            let kind = Int32(source.uniform(below: kinds))
            tokens[position] = kind
            stack[level] = kind
            level += 1
            deepest = max(deepest, level)
          } else {
            level -= 1
            tokens[position] = stack[level] + Int32(kinds)
          }
          if !isClosing {
            example.targets.append(Target(position: position, token: level == 0 ? 1 : 0))
          } else if level > 0 {
            let required = stack[level - 1] + Int32(kinds)
            example.targets.append(Target(position: position, token: required))
          }
        }
      }
    }
    random = source
    example.slices.append(length)
    example.slices.append(deepest)
  }

  public func write(using random: inout RandomSource, split: Split, into example: inout Example) {
    writeDealt(using: &random, split: split, into: &example)
  }

  /// Cancels matching brackets.
  public func solve(_ tokens: [Int32]) -> [Target] {
    var open: [Int32] = []
    return tokens.enumerated().compactMap { position, token in
      if let top = open.last, token == top + Int32(kinds) {
        open.removeLast()
      } else {
        open.append(token)
      }
      if !isClosing { return Target(position: position, token: open.isEmpty ? 1 : 0) }
      return open.last.map { Target(position: position, token: $0 + Int32(kinds)) }
    }
  }

  /// A random closing bracket, or that no prefix is balanced.
  public func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] {
    solve(tokens).map { question in
      let answer = isClosing ? kinds + random.uniform(below: kinds) : 0
      return Target(position: Int(question.position), token: Int32(answer))
    }
  }

  /// The closing bracket of the one that opened last, which is right until one closes.
  public var baselines: [Baseline] {
    guard isClosing else { return [] }
    let kinds = Int32(kinds)
    return [
      Baseline(name: "bracket opened last") { tokens, positions, _ in
        positions.map { position in
          let opened = tokens[...Int(position)].last { $0 < kinds } ?? 0
          return Prediction(token: opened + kinds)
        }
      }
    ]
  }

  public func describe(_ example: Example) -> [String] {
    let shapes = [("(", ")"), ("[", "]"), ("{", "}"), ("<", ">")]
    return example.tokens.map { token in
      let kind = Int(token) % kinds
      let isOpening = token < Int32(kinds)
      guard kinds <= shapes.count else { return (isOpening ? "(" : ")") + "\(kind + 1) \(token)" }
      return (isOpening ? shapes[kind].0 : shapes[kind].1) + " \(token)"
    }
  }
}
