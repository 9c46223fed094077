/// Elementary functions with the same bits on every machine.
///
/// The logarithm and the exponential of a system's C library differ between libraries in the
/// last bit, and a draw that depends on them would too. These use sums, products and quotients
/// only, which IEEE 754 rounds exactly (Swift does not fuse them). Their error is a few units in
/// the last place; they are for tables and samplers, not for inner loops.
public enum PortableMath {
  /// The high part has 20 trailing zero bits, so that its multiples by exponents are exact.
  private static let ln2High = 0x1.62e42fee00000p-1
  private static let ln2Low = 0x1.a39ef35793c76p-33

  /// The natural logarithm of a finite, normal number above 0.
  public static func log(_ x: Double) -> Double {
    precondition(x.isNormal && x > 0, "the logarithm of \(x) is not defined here")
    var exponent = Double(x.exponent)
    var significand = x.significand
    if significand > 0x1.6a09e667f3bcdp0 {
      significand *= 0.5
      exponent += 1
    }
    // log m = 2 artanh((m - 1)/(m + 1)); |ratio| < 0.172, so eleven terms reach 2^-53.
    let ratio = (significand - 1) / (significand + 1)
    let square = ratio * ratio
    var sum = 0.0
    for odd in stride(from: 23, through: 3, by: -2) { sum = (sum + 1 / Double(odd)) * square }
    return exponent * ln2High + (exponent * ln2Low + 2 * ratio * sum + 2 * ratio)
  }

  /// The exponential of a number between -700 and 700.
  public static func exp(_ x: Double) -> Double {
    precondition(abs(x) <= 700, "the exponential of \(x) is not defined here")
    let doublings = Int((x / ln2High) + (x < 0 ? -0.5 : 0.5))
    let rest = (x - Double(doublings) * ln2High) - Double(doublings) * ln2Low
    // |rest| < 0.35, so the series to its 14th power reaches 2^-53.
    var sum = 1.0
    for term in stride(from: 14, through: 1, by: -1) { sum = 1 + sum * rest / Double(term) }
    return Double(sign: .plus, exponent: doublings, significand: sum)
  }

  /// A power of a number above 0.
  public static func power(_ base: Double, _ exponent: Double) -> Double {
    exp(exponent * log(base))
  }
}
