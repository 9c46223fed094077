import Configuration
import Randomness
public import TaskGenerators

/// Whether a task keeps what it declares.
public struct TaskVerdict: Sendable, Codable {
  public var task: String
  /// The settings that were tried.
  public var settings: Int
  public var examples: Int
  public var targets: Int
  /// How far the guess is from the chance line, in standard errors, where it is farthest.
  public var guessDeviation: Double
  /// The first fault; nil where there is none.
  public var fault: String?

  public var passed: Bool { fault == nil }
}

/// Checks the tasks on thousands of examples: the exact solver against the targets, the guess
/// against the chance line, the tokens against the vocabulary.
public enum TaskCheck {
  /// Longer examples take too long for what they add.
  private static let longest = 2048
  /// Settings are many, so that one in thousands is this far off by accident only once in a long
  /// while.
  private static let mostDeviation = 6.0

  /// A verdict for a task, over its defaults and every setting changed alone.
  ///
  /// - Parameters:
  ///   - type: The task.
  ///   - examples: How many examples to make, spread over the settings.
  /// - Returns: What was found.
  public static func verdict(_ type: any TaskGenerator.Type, examples: Int) -> TaskVerdict {
    let tasks = spread(of: type)
    var verdict = TaskVerdict(
      task: type.info.name, settings: tasks.count, examples: 0, targets: 0, guessDeviation: 0)
    let share = (examples + tasks.count - 1) / max(1, tasks.count)
    for (title, task) in tasks where verdict.passed {
      check(task, title, examples: share, into: &verdict)
    }
    return verdict
  }

  private static func check(
    _ task: any TaskGenerator, _ title: String, examples: Int, into verdict: inout TaskVerdict
  ) {
    var random = RandomSource(seed: 5)
    var (excess, squares, scored) = (0.0, 0.0, 0)
    for index in 0..<UInt64(examples) {
      let example = task.example(split: .test, seed: 4, index: index)
      guard example.tokens.allSatisfy({ $0 >= 0 && $0 < task.vocabulary }) else {
        verdict.fault = "\(title): example \(index) leaves the vocabulary"
        return
      }
      guard hits(task.solve(example.tokens), of: example) == example.targets.count else {
        verdict.fault = "\(title): the solver misses example \(index)"
        return
      }
      let right = hits(task.guess(example.tokens, using: &random), of: example)
      let difference = Double(right) - task.chance * Double(example.targets.count)
      excess += difference
      squares += difference * difference
      scored += example.targets.count
    }
    verdict.examples += examples
    verdict.targets += scored
    // Answers of one example may hang together, so their spread is measured by example too.
    let independent = (task.chance * (1 - task.chance) * Double(scored)).squareRoot()
    let deviation = abs(excess) / max(independent, squares.squareRoot(), 1e-9)
    verdict.guessDeviation = max(verdict.guessDeviation, deviation)
    if deviation > mostDeviation {
      verdict.fault = "\(title): the guess is \(deviation) standard errors from the chance line"
    }
  }

  /// Right answers at the scored positions.
  private static func hits(_ answers: [Target], of example: Example) -> Int {
    let given = Dictionary(answers.map { ($0.position, $0.token) }, uniquingKeysWith: { $1 })
    return example.targets.count { given[$0.position] == $0.token }
  }

  /// The task with its defaults and with each setting changed alone, where that is possible.
  private static func spread(
    of type: any TaskGenerator.Type
  ) -> [(title: String, task: any TaskGenerator)] {
    var given: [[String: SettingValue]] = [[:]]
    for setting in type.info.settings {
      given += setting.alternatives.map { [setting.name: $0] }
    }
    return given.compactMap { settings in
      guard let task = try? type.make(settings), task.maximumLength <= longest else { return nil }
      let title = ([type.info.name] + settings.map { "\($0)=\($1)" }).joined(separator: " ")
      return (title, task)
    }
  }
}
