import Platform
import Records
import TensorFiles
import Training

/// A cell's checkpoint in the store: looked for when its training starts, kept while it runs.
///
/// A checkpoint saves time and nothing depends on it: one that is damaged or another run's, or that
/// cannot be written, is told about and done without.
struct CellCheckpoints {
  let store: RunStore
  let key: String
  /// Seconds between two of them; infinite for those of interruptions only.
  let seconds: Double
  /// Asked before each: a cell that somebody else took over is no longer ours to write.
  let isHeld: () -> Bool
  /// Gets what people should know.
  let tell: (String) -> Void

  /// The checkpoint to go on from, with its header; nil for a start from the beginning.
  func find(
    _ expected: CheckpointHeader
  ) throws(StoreError) -> (CheckpointHeader, TrainingCheckpoint)? {
    guard let path = store.existingCheckpoint(key) else { return nil }
    do throws(CheckpointFile.Problem) {
      let (header, checkpoint) = try CheckpointFile.read(path)
      if header.isOfSameRun(as: expected) { return (header, checkpoint) }
      tell(
        "\(path) is of \(header.program) on \(header.device), so its cell starts again on "
          + expected.device)
      return nil
    } catch {
      let place = try store.setCheckpointAside(key)
      tell("\(path): \(error.text); it is now \(place), and its cell starts again")
      return nil
    }
  }

  /// Where a training's checkpoints go.
  ///
  /// - Parameters:
  ///   - header: What they are of.
  ///   - start: When the work on the cell began, on the monotonic clock.
  ///   - kept: Told of the step of each one that was written.
  /// - Returns: The plan.
  func plan(
    _ header: CheckpointHeader, since start: Double, kept: @escaping (Int) -> Void
  ) -> CheckpointPlan {
    var hasFailed = false
    return CheckpointPlan(every: seconds) { checkpoint in
      guard isHeld() else { return }
      var header = header
      header.wallSeconds += MonotonicClock.seconds - start
      do {
        try write(checkpoint, header)
        kept(checkpoint.progress.steps)
      } catch {
        if !hasFailed { tell("no checkpoint could be kept: \(error)") }
        hasFailed = true
      }
    }
  }

  private func write(_ checkpoint: TrainingCheckpoint, _ header: CheckpointHeader) throws {
    for _ in 0..<10 {
      let path = try store.checkpointPath(key)
      do throws(TensorFileError) {
        return try CheckpointFile.write(checkpoint, header, to: path)
      } catch {
        // Another process that finds the folder empty takes it away.
        guard case .file(let reason) = error, reason.isMissing else { throw error }
      }
    }
    try CheckpointFile.write(checkpoint, header, to: try store.checkpointPath(key))
  }
}
