extension RandomSource {
  /// A number from the standard normal distribution, made of one word.
  ///
  /// The quantile of a uniform number, which needs no second draw, no rejection and, for six of
  /// seven numbers, no logarithm. The greatest magnitude is that of the quantile 2^-33, 6.34.
  @inlinable
  public mutating func normal() -> Float {
    Float(normalQuantile((Double(nextWord()) + 0.5) * 0x1p-32))
  }
}

/// The normal distribution's quantile with a relative error of 1e-7.
///
/// Algorithm AS 241 (PPND7), Wichura, "The percentage points of the normal distribution",
/// Applied Statistics 1988. It uses only operations that IEEE 754 rounds exactly, so that every
/// machine computes the same bits.
@usableFromInline
package func normalQuantile(_ probability: Double) -> Double {
  let offset = probability - 0.5
  if abs(offset) <= 0.425 {
    let r = 0.180625 - offset * offset
    let numerator = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
    let denominator = ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1
    return offset * numerator / denominator
  }
  let tail = (-PortableMath.log(offset < 0 ? probability : 1 - probability)).squareRoot()
  let magnitude = tail <= 5 ? nearTail(tail - 1.6) : farTail(tail - 5)
  return offset < 0 ? -magnitude : magnitude
}

private func nearTail(_ r: Double) -> Double {
  let numerator = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
  return numerator / ((0.12021132975 * r + 0.73700164250) * r + 1)
}

private func farTail(_ r: Double) -> Double {
  let numerator = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
  return numerator / ((0.012258202635 * r + 0.24197894225) * r + 1)
}
