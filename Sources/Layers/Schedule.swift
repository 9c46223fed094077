package import Configuration
import Platform

extension TrainingConfiguration {
  /// The learning rate of a step (counted from 0): a linear warm-up from 0, then the schedule down
  /// to `finalFraction` of the peak at the last step.
  package func learningRate(atStep step: Int) -> Double {
    if step < warmup { return learningRate * Double(step + 1) / Double(warmup) }
    let span = max(1, steps - 1 - warmup)
    let progress = min(1, Double(step - warmup) / Double(span))
    switch schedule {
    case .constant: return learningRate
    case .linear: return learningRate * (1 - (1 - finalFraction) * progress)
    case .cosine:
      let share = 0.5 * (1 + Mathematics.cosine(progress * .pi))
      return learningRate * (finalFraction + (1 - finalFraction) * share)
    }
  }
}
