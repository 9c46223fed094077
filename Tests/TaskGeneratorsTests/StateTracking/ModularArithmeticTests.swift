import Configuration
import Randomness
import TaskGenerators
import Testing

@Suite struct ModularArithmeticTests {
  private let symbols = ExpressionSymbols(modulus: 5, operators: 3)

  /// The ids of a text such as "(4-2*3)".
  private func ids(_ text: String) -> [Int32] {
    text.map { character in
      switch character {
      case "+": symbols.plus
      case "-": symbols.minus
      case "*": symbols.times
      case "=": symbols.equals
      case "(": symbols.open
      case ")": symbols.close
      default: Int32(character.wholeNumberValue ?? -1)
      }
    }
  }

  // MARK: - Golden examples

  @Test func examplesAreTheGoldenOnes() throws {
    let flat = try ModularArithmetic.make(["length": .integer(11)])
      .example(split: .train, seed: 1, index: 0)
    #expect(flat.tokens == ids("2+3+4*2*0="))
    #expect(flat.targets == [Target(position: 9, token: 0)])
    #expect(flat.slices == [11, 0])
    let nested = try ModularArithmetic.make(["length": .integer(24), "brackets": .flag(true)])
      .example(split: .train, seed: 1, index: 0)
    #expect(nested.tokens == ids("(((3)*(4+1))-(3*(-4)))="))
    #expect(nested.targets == [Target(position: 22, token: 2)])
    #expect(nested.slices == [24, 3])
  }

  // MARK: - Values

  @Test(
    arguments: [
      ("3", 3), ("4-2*3", 3), ("2*3-4", 2), ("1-2-3", 1), ("2*2*2", 3), ("1+2*3+4", 1), ("-3", 2),
      ("--3", 3), ("(4-2)*3", 1), ("2*-3", 4), ("(-(1+2))", 2), ("-2*3", 4), ("4-1-1-1-1", 0),
      ("((((2))))", 2), ("1-(2-(3-4))", 3),
    ] as [(String, Int32)])
  func precedenceIsTheUsual(text: String, value: Int32) {
    #expect(ExpressionParser.value(of: ids(text), symbols) == value)
  }

  @Test(arguments: [
    "", "+", "1+", "12", "(1", "1)", "()", "*1", "1+*2", "1=", "(1)(2)", "1(2)", "-",
  ])
  func nonsenseHasNoValue(text: String) {
    #expect(ExpressionParser.value(of: ids(text), symbols) == nil)
  }

  /// The value found while writing is that of the parser, which shares nothing with it.
  @Test(arguments: [(false, true), (false, false), (true, true), (true, false)], [3, 5, 12])
  func writerAndParserAgree(_ kind: (Bool, Bool), modulus: Int) throws {
    let task = try ModularArithmetic.make([
      "brackets": .flag(kind.0), "multiplication": .flag(kind.1), "modulus": .integer(modulus),
      "length": .range(3...60),
    ])
    for index in 0..<60 {
      let example = task.example(split: .train, seed: 2, index: UInt64(index))
      #expect(task.solve(example.tokens) == example.targets)
      let hasTimes = example.tokens.contains(task.symbols.times)
      #expect(kind.1 || !hasTimes)
    }
  }

  // MARK: - The distribution of values

  /// Counts of the values of all expressions of a number of digits, by the grammar itself.
  ///
  /// Bracket-free expressions are sums of products, so the counts are convolutions over Z_5.
  private func exactCounts(digits: Int) -> [Int] {
    // products[k]: the values of products of k digits.
    var products = [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]
    for k in 2..<digits + 1 {
      var next = [0, 0, 0, 0, 0]
      for value in 0..<5 {
        for digit in 0..<5 { next[value * digit % 5] += products[k - 1][value] }
      }
      products.append(next)
    }
    // sums[k]: the values of expressions of k digits; the last product follows + or -.
    var sums = products
    for k in 1..<digits + 1 {
      for last in 1..<k {
        for value in 0..<5 {
          for term in 0..<5 {
            let ways = sums[k - last][value] * products[last][term]
            sums[k][(value + term) % 5] += ways
            sums[k][(value - term + 5) % 5] += ways
          }
        }
      }
    }
    return sums[digits]
  }

  /// All expressions of one, two and three digits, each with the value that the parser finds.
  @Test(arguments: [1, 2, 3])
  func shortExpressionsHaveTheExactDistribution(digits: Int) {
    var counts = [0, 0, 0, 0, 0]
    for number in 0..<(0..<digits - 1).reduce(5, { total, _ in 15 * total }) {
      var rest = number
      var tokens = [Int32(rest % 5)]
      rest /= 5
      for _ in 1..<digits {
        tokens += [symbols.plus + Int32(rest / 5 % 3), Int32(rest % 5)]
        rest /= 15
      }
      if let value = ExpressionParser.value(of: tokens, symbols) { counts[Int(value)] += 1 }
    }
    #expect(counts == exactCounts(digits: digits))
    #expect(counts.reduce(0, +) == (0..<digits - 1).reduce(5) { total, _ in 15 * total })
  }

  /// Zero is a little commoner, because products with it vanish, and less so at every length.
  @Test func valuesAreNearlyBalanced() throws {
    let two = exactCounts(digits: 2)
    #expect(two == [19, 14, 14, 14, 14])
    let shares = (1...10).map { digits in
      let counts = exactCounts(digits: digits)
      return Double(counts[0]) / Double(counts.reduce(0, +))
    }
    #expect(shares[0] == 0.2 && shares.dropFirst().allSatisfy { (0.2..<0.254).contains($0) })
    #expect(zip(shares.dropFirst(), shares.dropFirst(2)).allSatisfy { $0 >= $1 })
  }

  @Test(arguments: [false, true])
  func drawnValuesFollowTheDistribution(brackets: Bool) throws {
    let task = try ModularArithmetic.make(["brackets": .flag(brackets), "length": .integer(21)])
    let expected: [Double]
    if brackets {
      expected = [Double](repeating: 0.2, count: 5)
    } else {
      let counts = exactCounts(digits: 10)
      expected = counts.map { Double($0) / Double(counts.reduce(0, +)) }
    }
    var counts = [Int](repeating: 0, count: 5)
    for index in 0..<1500 {
      counts[Int(task.example(split: .train, seed: 3, index: UInt64(index)).targets[0].token)] += 1
    }
    for value in 0..<5 {
      // Products with 0 tilt bracketed expressions by an unknown little.
      let slack = brackets ? 0.06 * 1500 : 0
      let deviation = (1500 * expected[value] * (1 - expected[value])).squareRoot()
      #expect(abs(Double(counts[value]) - 1500 * expected[value]) < 5 * deviation + slack)
    }
  }

  // MARK: - The grammar

  /// Checks d, -d, (d), (-d) and (left operator right); returns where an expression ends.
  private func end(ofExpression tokens: ArraySlice<Int32>, from start: Int) -> Int? {
    let isDigit = { (place: Int) in tokens.indices.contains(place) && tokens[place] < 5 }
    if isDigit(start) { return start + 1 }
    guard tokens.indices.contains(start) else { return nil }
    if tokens[start] == symbols.minus { return isDigit(start + 1) ? start + 2 : nil }
    guard tokens[start] == symbols.open, let left = end(ofExpression: tokens, from: start + 1),
      tokens.indices.contains(left)
    else { return nil }
    if tokens[left] == symbols.close { return left - start <= 3 ? left + 1 : nil }
    guard (symbols.plus...symbols.times).contains(tokens[left]),
      let right = end(ofExpression: tokens, from: left + 1), tokens.indices.contains(right),
      tokens[right] == symbols.close
    else { return nil }
    return right + 1
  }

  @Test(arguments: Array(3...24) + [40, 101])
  func bracketedExpressionsHaveTheAskedLength(length: Int) throws {
    let task = try ModularArithmetic.make(["brackets": .flag(true), "length": .integer(length)])
    for split in [Split.train, .test] {
      for index in 0..<6 {
        let tokens = task.example(split: split, seed: 4, index: UInt64(index)).tokens
        #expect(tokens.count == length - 1 && tokens.last == symbols.equals)
        #expect(end(ofExpression: tokens.dropLast(), from: 0) == length - 2)
      }
    }
  }

  /// At 7 tokens the left part has 1, 2 or 3 tokens, as often each.
  @Test func leftPartsAreUniform() throws {
    let task = try ModularArithmetic.make(["brackets": .flag(true), "length": .integer(9)])
    var counts = [0, 0, 0]
    for index in 0..<600 {
      let tokens = task.example(split: .train, seed: 5, index: UInt64(index)).tokens
      let left = try #require(end(ofExpression: tokens.dropLast(), from: 1))
      counts[left - 2] += 1
    }
    #expect(counts.allSatisfy { abs($0 - 200) < 58 })  // five standard deviations
  }

  @Test func onlyOddLengthsAreDrawnWithoutBrackets() throws {
    let task = try ModularArithmetic.make(["length": .range(4...12)])
    let lengths = (0..<100).map {
      task.example(split: .train, seed: 6, index: UInt64($0)).slices[0]
    }
    #expect(Set(lengths) == [5, 7, 9, 11])
    #expect(task.maximumLength == 10)
  }

  // MARK: - Splits

  @Test(arguments: [false, true])
  func splitsHaveNoExpressionInCommon(brackets: Bool) throws {
    var owners: [[Int32]: Split] = [:]
    for lengths in [SettingValue.range(3...9), .range(5...12), .integer(7)] {
      let task = try ModularArithmetic.make(["brackets": .flag(brackets), "length": lengths])
      for split in Split.allCases {
        for index in 0..<150 {
          let tokens = task.example(split: split, seed: UInt64(index % 3), index: UInt64(index))
            .tokens
          #expect(owners.updateValue(split, forKey: tokens) ?? split == split)
        }
      }
    }
  }

  /// Where a hash decides, every split has expressions, even of the fewest; else drawing would
  /// not end.
  @Test(arguments: [3, 4, 5], [2, 3] as [Int32])
  func everySplitHasExpressions(modulus: Int32, operators: Int32) {
    let writer = ExpressionWriter(
      symbols: ExpressionSymbols(modulus: modulus, operators: operators))
    for count in 1...9 {
      for split in Split.allCases {
        var random = RandomSource(seed: 7)
        var tokens = [Int32](repeating: -1, count: count)
        _ = tokens.withUnsafeMutableBufferPointer {
          writer.writeBracketed($0, split: split, using: &random)
        }
        #expect(tokens.allSatisfy { $0 >= 0 })
      }
    }
  }

  @Test func lengthsWithoutAnExpressionAreRefused() {
    let error = #expect(throws: SettingError.self) {
      try ModularArithmetic.make(["length": .integer(8)])
    }
    #expect(error?.setting == "length")
    #expect(error?.help == "it must be odd, such as 7 or 9, or a range")
    #expect(throws: SettingError.self) { try ModularArithmetic.make(["length": .integer(2)]) }
  }
}
