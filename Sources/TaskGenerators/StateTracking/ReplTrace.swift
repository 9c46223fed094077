public import Configuration
public import Randomness

/// Permutation composition as the trace of a program that now and then prints a variable.
///
/// Siems et al. 2026, "Learning state-tracking from code using linear RNNs" (arXiv 2602.14814): the
/// word problem of S_n in the form in which a language model meets it. Variables a, b, c, …
/// hold the values 0 ..< n, one each; statements exchange them, and a print reveals one. The trace
/// is trained as next-token prediction, scored at the reveals.
///
///     tokens   2 0 1   swap a c   print b 0   maybe a b   print c
///     target                          0                       2
///     that is  a, b, c = 2, 0, 1
///              a, c = c, a
///              print(b)
///              if coin(): a, b = b, a
///              print(c)
///
/// A statement is a reveal with probability `reveal`, and otherwise an action: a swap of two
/// variables, or an assignment to all at once (`assign` and the sources, so that a, b, c = c, a, b
/// is "assign c a b"). With probability `hidden` an action is a `maybe`: a swap that takes place
/// or not by a coin that is not shown, as the branches of real code. A reader is then uncertain
/// until reveals tell; a reveal whose value the reader cannot know is in the trace but is not
/// scored. A `maybe` that would leave no value known is written as a swap, and the last statement
/// is always a reveal that is scored.
///
/// Short traces are dealt out among the splits (``SequenceDeal``).
///
/// The token form is this suite's. Ids: values 0 ..< n, variables n ..< 2n, then print, swap, maybe,
/// assign. The length, a slice, counts all tokens and the last answer.
public struct ReplTrace: TaskGenerator {
  private enum Action: String, CaseIterable { case swap, assign }

  public static let info = TaskInfo(
    name: "repl-trace",
    summary: "REPL trace: variables exchange their values in a program; what is printed is asked",
    picture: """
      tokens   2 0 1   swap a c   print b 0   maybe a b   print c
      target   . . .   .    . .   .     0 .   .     . .   .     2
      """,
    paper: "Siems et al. 2026",
    version: 3,
    settings: [
      Setting("variables", .integer(2...64), default: .integer(5), "variables n"),
      Setting(
        "statements", .integers(2...262_144), default: .range(3...40),
        "statements after the first assignment, or a range; the last one is a reveal"),
      Setting(
        "action", .choice(Action.allCases.map(\.rawValue)), default: .text(Action.swap.rawValue),
        "swap: two variables exchange values; assign: all variables are assigned at once"),
      Setting(
        "reveal", .number(0...1), default: .number(0.25),
        "probability that a statement prints a variable"),
      Setting(
        "hidden", .number(0...1), default: .number(0),
        "probability that an action is a swap that may or may not take place"),
    ],
    slices: ["length"],
    metrics: [.tokenAccuracy, .sequenceAccuracy])

  public let settings: SettingValues
  let variables: Int
  let isAssignment: Bool
  /// Probabilities in units of 2^-32.
  let reveal: UInt64
  let hidden: UInt64
  /// What is needed to follow a reader's uncertainty; nil where actions are never hidden.
  let space: AssignmentSpace?
  private let statements: ClosedRange<Int>

  public init(settings: SettingValues) throws(SettingError) {
    self.settings = settings
    variables = settings.integer("variables")
    statements = settings.integers("statements")
    isAssignment = settings.text("action") == Action.assign.rawValue
    reveal = UInt64((settings.number("reveal") * 0x1p32).rounded())
    hidden = UInt64((settings.number("hidden") * 0x1p32).rounded())
    guard hidden == 0 || 3...5 ~= variables else {
      throw SettingError(
        "variables", "'variables' is \(variables) with hidden actions",
        help: "3 to 5 are possible, or 'hidden' must be 0: "
          + "all assignments that a reader holds possible are followed")
    }
    space = hidden == 0 ? nil : AssignmentSpace(variables: variables)
  }

  func id(ofVariable variable: Int) -> Int32 { Int32(variables + variable) }
  var print: Int32 { Int32(2 * variables) }
  var swap: Int32 { Int32(2 * variables + 1) }
  var maybe: Int32 { Int32(2 * variables + 2) }
  var assign: Int32 { Int32(2 * variables + 3) }

  public var vocabulary: Int { 2 * variables + 4 }
  public var maximumLength: Int {
    let widest = isAssignment ? max(3, variables + 1) : 3
    return variables + widest * (statements.upperBound - 1) + 2
  }
  public var maximumTargets: Int { statements.upperBound }
  public var chance: Double { 1 / Double(variables) }

  public func write(using random: inout RandomSource, into example: inout Example) {
    let count = random.uniform(in: statements)
    example.reset(length: 0)
    TraceWriter.write(self, statements: count, using: &random, into: &example)
    example.slices.append(example.tokens.count + 1)
  }

  public func write(using random: inout RandomSource, split: Split, into example: inout Example) {
    writeDealt(using: &random, split: split, into: &example)
  }

  public func solve(_ tokens: [Int32]) -> [Target] {
    var reader = TraceReader(task: self)
    return reader.read(tokens)
  }

  /// A random value.
  public func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] {
    solve(tokens).map {
      Target(position: Int($0.position), token: Int32(random.uniform(below: variables)))
    }
  }

  /// The value that the variable was last seen to have, as if no action had moved it.
  public var baselines: [Baseline] {
    [
      Baseline(name: "value last seen") { [print, variables] tokens, positions, _ in
        positions.map { position in
          let end = Int(position)
          let shown = stride(from: end - 3, through: variables, by: -1).first {
            tokens[$0] == print && tokens[$0 + 1] == tokens[end]
          }
          return Prediction(token: tokens[shown.map { $0 + 2 } ?? Int(tokens[end]) - variables])
        }
      }
    ]
  }

  public func describe(_ example: Example) -> [String] {
    example.tokens.map { token in
      let n = Int32(variables)
      switch token {
      case 0..<n: return "value \(token)"
      case n..<2 * n: return Self.name(ofVariable: Int(token - n)) + " \(token)"
      default: return ["print", "swap", "maybe", "assign"][Int(token - 2 * n)] + " \(token)"
      }
    }
  }

  /// a to z, then a1 to z1, and so on.
  private static func name(ofVariable variable: Int) -> String {
    let letter = String(UnicodeScalar(UInt8(97 + variable % 26)))
    return variable < 26 ? letter : letter + "\(variable / 26)"
  }
}
