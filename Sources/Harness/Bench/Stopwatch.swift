import Platform

/// How long something takes on a machine that does other things too.
public struct Timing: Sendable, Codable {
  /// The shortest run: the nearest to what the code needs.
  public var best: Double
  public var median: Double
  public var runs: Int

  /// Runs something until enough time has gone by, at least three times after a first run that
  /// does not count.
  public static func measure(seconds: Double, _ body: () -> Void) -> Timing {
    body()
    var times: [Double] = []
    let start = MonotonicClock.seconds
    repeat {
      let before = MonotonicClock.seconds
      body()
      times.append(MonotonicClock.seconds - before)
    } while times.count < 3 || (MonotonicClock.seconds - start < seconds && times.count < 10_000)
    times.sort()
    return Timing(best: times[0], median: times[times.count / 2], runs: times.count)
  }
}
