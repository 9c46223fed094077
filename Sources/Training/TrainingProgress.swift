import Platform

/// How far a training is: all that its rest depends on and that is no tensor.
///
/// Together with the tensors of ``TrainingCheckpoint`` it is complete after any step, so a training
/// that goes on from there gives the same bits as one that was never interrupted.
package struct TrainingProgress: Codable, Sendable, Equatable {
  /// The parameters that scored best on validation so far.
  package struct Best: Codable, Sendable, Equatable {
    package var step: Int
    /// The metric's merit: more is better.
    package var merit: Double
    package var loss: Double
    package var validation: Tally
  }

  /// The steps that are done; the position in the data is a function of it.
  package var steps = 0
  package var examples = 0
  package var tokens = 0
  /// Whether the validation that falls on the last step, if one does, is done.
  package var isValidated = false
  /// Whether no more steps are wanted, so that only the test is left.
  package var isTrained = false
  package var stoppedEarly = false
  package var curve: [CurveSample] = []
  package var best: Best?
  /// The learning rate of the last step.
  package var learningRate = 0.0
  /// Steps since the last sample of the curve, and the sum of their losses as far as it was looked at.
  package var sinceSample = 0
  package var lossTotal = 0.0
  /// Steps and tokens since the last look at the loss.
  package var sinceLook = 0
  package var lookTokens = 0
  package var trainSeconds = 0.0
  package var evaluateSeconds = 0.0

  package init() {}
}

/// A training between two steps, from which it can go on.
package struct TrainingCheckpoint: Sendable {
  package var progress: TrainingProgress
  /// The tensors' elements by name: `parameters`, the optimiser's `moments.first` and
  /// `moments.second`, the `loss` that was not looked at yet, and the `best` parameters where
  /// there are any.
  package var tensors: [String: [Float]]

  package init(progress: TrainingProgress, tensors: [String: [Float]]) {
    self.progress = progress
    self.tensors = tensors
  }
}

/// A checkpoint that does not fit the training that is to go on from it.
package struct CheckpointMismatch: Error, CustomStringConvertible {
  package let description: String
}

/// Where a training's checkpoints go, and how often.
package struct CheckpointPlan {
  /// The share of the time that checkpoints may take: large models on slow disks make fewer.
  private static let mostShare = 0.05

  private let seconds: Double
  private let write: (TrainingCheckpoint) -> Void
  private var due: Double

  /// - Parameters:
  ///   - seconds: The time between two checkpoints; infinite for none but the one of an
  ///     interruption.
  ///   - write: Keeps a checkpoint.
  package init(every seconds: Double, write: @escaping (TrainingCheckpoint) -> Void) {
    self.seconds = seconds
    self.write = write
    due = MonotonicClock.seconds + seconds
  }

  /// No checkpoints at all.
  package static var none: CheckpointPlan { CheckpointPlan(every: .infinity) { _ in } }

  var isDue: Bool { MonotonicClock.seconds >= due }

  mutating func keep(_ checkpoint: () throws -> TrainingCheckpoint) rethrows {
    let start = MonotonicClock.seconds
    write(try checkpoint())
    let now = MonotonicClock.seconds
    due = now + max(seconds, (now - start) / Self.mostShare)
  }
}
