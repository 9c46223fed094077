#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A clock for durations: it never goes back and does not stand for a time of day.
package enum MonotonicClock {
  /// The seconds since an arbitrary start.
  package static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Lets the present thread wait, in short naps so that it can be called off.
  ///
  /// - Parameters:
  ///   - seconds: How long.
  ///   - unless: Asked several times a second whether to wake up.
  package static func sleep(_ seconds: Double, unless: () -> Bool = { false }) {
    let end = self.seconds + seconds
    while !unless() {
      let rest = end - self.seconds
      guard rest > 0 else { return }
      usleep(UInt32(min(rest, 0.1) * 1e6))
    }
  }
}

/// The time of day.
package enum WallClock {
  /// The time now in UTC, as ISO 8601 writes it: "2024-05-06T07:08:09Z".
  package static var now: String { text(secondsSince1970: Int(time(nil))) }

  /// A time in UTC, as ISO 8601 writes it.
  package static func text(secondsSince1970 seconds: Int) -> String {
    var moment = time_t(seconds)
    var parts = tm()
    gmtime_r(&moment, &parts)
    let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
    let hour = [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)]
    return date.map(twoDigits).joined(separator: "-") + "T"
      + hour.map(twoDigits).joined(separator: ":") + "Z"
  }

  private static func twoDigits(_ number: Int) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
