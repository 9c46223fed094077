/// Pearson's statistic of counts that should be equal.
func chiSquare(_ counts: [Int]) -> Double {
  let expected = Double(counts.reduce(0, +)) / Double(counts.count)
  return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
}

/// A bound that Pearson's statistic passes about once in a million trials (Wilson–Hilferty).
func limit(degrees: Int) -> Double {
  guard degrees > 0 else { return 1e-9 }
  let spread = 2 / (9 * Double(degrees))
  let root = 1 - spread + 4.75 * spread.squareRoot()
  return Double(degrees) * root * root * root
}
