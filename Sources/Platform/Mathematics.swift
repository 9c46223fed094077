#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The C library's functions of one number, for the modules that know no platform.
public enum Mathematics {
  public static func cosine(_ x: Double) -> Double { cos(x) }
  public static func sine(_ x: Double) -> Double { sin(x) }
  public static func exponential(_ x: Double) -> Double { exp(x) }
  /// log(1 - e^x) and the like need the accurate form: e^x - 1.
  public static func exponentialMinusOne(_ x: Double) -> Double { expm1(x) }
  public static func logarithm(_ x: Double) -> Double { log(x) }
  public static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
}
