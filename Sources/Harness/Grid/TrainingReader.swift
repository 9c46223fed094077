import Configuration

/// A training setting as a grid asks for it.
struct TrainingRequest: Sendable {
  let configuration: TrainingConfiguration
  /// The settings as given, with the defaults for all others.
  let settings: [String: SettingValue]
}

/// Reads the `training` of a cell.
enum TrainingReader {
  static let settings = SettingsReader(
    declared: TrainingConfiguration.declared, owner: "training")

  /// The training setting of a cell.
  ///
  /// - Parameters:
  ///   - node: The settings.
  ///   - together: Whether values are also checked against each other.
  /// - Returns: The training setting with its defaults.
  /// - Throws: `GridError` for an unknown, wrong or impossible value.
  static func request(
    _ node: ConfigNode, together: Bool = true
  ) throws(GridError) -> TrainingRequest {
    let entries = try node.mapping("training", "a mapping such as {steps: 1000, batch: 64}")
    let given = try settings.read(entries)
    let values = try settings.complete(given, at: node.position)
    let configuration = TrainingConfiguration(settings: values)
    if together { try check(configuration, node) }
    return TrainingRequest(configuration: configuration, settings: values.values)
  }

  private static func check(
    _ training: TrainingConfiguration, _ node: ConfigNode
  ) throws(GridError) {
    if training.warmup > training.steps {
      throw GridError(
        place("warmup", "steps", in: node),
        "'warmup' (\(training.warmup)) is longer than 'steps' (\(training.steps))",
        help: "it must be a part of the steps", fault: .combination)
    }
    if training.schedule == .constant, training.finalFraction != 0 {
      throw GridError(
        place("finalFraction", "schedule", in: node),
        "'finalFraction' (\(training.finalFraction)) has no effect: the schedule is constant",
        help: "choose schedule linear or cosine, or leave it out", fault: .combination)
    }
    if training.stopAt <= 1, training.evaluateEvery >= training.steps {
      throw GridError(
        place("stopAt", "evaluateEvery", in: node),
        "'stopAt' can stop nothing: the first validation is after the last step",
        help: "'evaluateEvery' (\(training.evaluateEvery)) must be less than 'steps' "
          + "(\(training.steps))", fault: .combination)
    }
  }

  private static func place(
    _ first: String, _ second: String, in node: ConfigNode
  ) -> SourcePosition {
    (node[first] ?? node[second] ?? node).position
  }

  /// Checks a training setting against a task.
  static func check(
    _ training: TrainingConfiguration, with task: TaskRequest
  ) throws(GridError) {
    guard let smallest = task.smallestTraining, smallest.examples < training.batch else { return }
    throw GridError(
      smallest.position,
      "\(smallest.examples) training examples are fewer than a batch (\(training.batch))",
      help: "give at least \(training.batch), or a smaller 'training.batch'", fault: .combination)
  }
}
