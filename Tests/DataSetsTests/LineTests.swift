import Configuration
import DataSets
import Platform
import Randomness
import TaskGenerators
import Testing

/// Lines of JSON that come from other programs.
@Suite struct LineTests {
  private func tokens(
    _ line: String, vocabulary: Int = 8, longest: Int = 6
  ) throws(TextProblem) -> TokenLine {
    try TokenLine(Array(line.utf8), vocabulary: vocabulary, longest: longest)
  }

  private func number(_ text: String) throws(TextProblem) -> Double {
    var cursor = JSONCursor(Array(text.utf8))
    let number = try cursor.number()
    try cursor.end()
    return number
  }

  /// Every number has the bits that the library reads, whichever way it was read.
  @Test func numbersAreTheNearest() throws {
    var random = RandomSource(seed: 1, stream: 2)
    let fixed = [
      "0", "-0", "0.1", "1e22", "1e23", "123456789012345", "123456789012345678", "5e-324", "1e-400",
      "1.7976931348623157e308", "1e999", "0.000001", "100000000000000000000000", "2.5E+3", "9e-0",
      "0.30000000000000004", "-1.5e-7", "00001e0".replacing("0000", with: ""),
    ]
    let drawn = (0..<400).map { _ -> String in
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      let value = Double(bitPattern: random.next())
      return random.bit() == 0 && float.isFinite
        ? float.description : value.isFinite ? value.description : "0"
    }
    for text in fixed + drawn {
      #expect(try number(text).bitPattern == Double(text)?.bitPattern, "\(text)")
    }
    #expect(try number("NaN").isNaN)
    #expect(try number("-Infinity") == -.infinity && number(" Infinity ") == .infinity)
  }

  @Test(arguments: [
    "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1_0", "nan", "inf", "-NaN", "1 2", "١",
  ])
  func whatIsNoNumberIsRefused(text: String) {
    #expect(throws: TextProblem.self) { try number(text) }
  }

  @Test func linesOfTokensAreUnderstood() throws {
    #expect(try tokens(" [1, 2,7 ] ").tokens == [1, 2, 7])
    let line = try tokens(#"{"slices":{"a":[{}]},"tokens":[1,2],"targets":[null,3],"x":"\u00e9"}"#)
    #expect(line.tokens == [1, 2] && line.targets == [nil, 3] && line.positions == [1])
    #expect(try tokens(#"{"targets":null,"tokens":[0,1,2]}"#).positions == [0, 1, 2])
    #expect(try tokens(#"{"tokens":[4],"targets":[null]}"#).positions.isEmpty)
  }

  @Test(arguments: [
    ("[1,8]", "token 1 is 8, outside the vocabulary 0…7"), ("[-1]", "token 0 is -1"),
    ("[1.5]", "a whole number"), ("[9e99]", "a whole number"), ("[]", "no tokens"),
    ("[1,2,3,4,5,6,7]", "7 tokens are too many; the model takes 6"), ("[1", "',' or ']'"),
    ("[1] x", "the end at character 5"), ("{}", "'tokens' is missing"), ("7", "must be"),
    (#"{"tokens":[1,2],"targets":[1]}"#, "2 tokens have 1 targets"),
    (#"{"tokens":[1],"targets":[9]}"#, "target 0 is 9"),
    (#"{"tokens":[1],"tokens":[2]}"#, "stands twice"), (#"{"tokens":[1],"a":tru}"#, "a value"),
    (#"{"tokens":[1],"a":"\ud800"}"#, "surrogates"), (#"{"tokens":[1],"#, "a text"),
    (#"{"tokens":[1],"a":"# + String(repeating: "[", count: 5000), "brackets"),
  ])
  func wrongLinesSayWhy(line: String, part: String) {
    let problem = #expect(throws: TextProblem.self) { try tokens(line) }
    #expect(problem?.description.contains(part) == true, "\(problem?.description ?? "")")
  }

  // MARK: - Predictions

  /// Two scored positions of four tokens.
  private static let example = {
    var example = Example()
    example.tokens = [5, 6, 7, 4]
    example.targets = [Target(position: 1, token: 2), Target(position: 3, token: 0)]
    return example
  }()

  private func answers(_ line: String, vocabulary: Int = 3) throws(TextProblem)
    -> PredictionLine.Answers
  {
    try PredictionLine(Array(line.utf8)).answers(to: Self.example, vocabulary: vocabulary)
  }

  @Test func predictionsStandAloneOrAmongAllTokens() throws {
    for line in [
      "[2,1]", #"{"predictions":[2,1]}"#, #"{"predictions":[null,2,null,1],"index":4}"#,
      #"{"predictions":[77,2,-5,1]}"#,
    ] {
      let answers = try answers(line)
      #expect(answers.best == [2, 1] && answers.losses == nil && answers.probabilities == nil)
    }
    #expect(try PredictionLine(Array(#"{"index":4,"predictions":[1]}"#.utf8)).index == 4)
  }

  /// Logits, log-probabilities and probabilities of one distribution say the same.
  @Test func distributionsSayTheSameInEveryForm() throws {
    let third = PortableMath.log(3)
    let forms = [
      #"{"logits":[[0,1000,1000],[-Infinity,2,2]]}"#,
      #"{"logProbabilities":[null,[-999,-0.6931471805599453,-0.6931471805599453],null,"#
        + #"[-Infinity,-0.6931471805599453,-0.6931471805599453]]}"#,
      #"{"probabilities":[[0,0.5,0.5],[0,0.5,0.5]]}"#,
    ]
    for form in forms {
      let answers = try answers(form)
      #expect(answers.best == [1, 1], "\(form)")
      let losses = try #require(answers.losses)
      #expect(abs(losses[0] - 0.6931471805599453) < 1e-12 && losses[1] == .infinity)
      for row in try #require(answers.probabilities) {
        #expect(zip(row, [0, 0.5, 0.5]).allSatisfy { abs($0 - $1) < 1e-12 })
      }
    }
    let even = try answers(#"{"logits":[[4,4,4],[0,0,0]],"predictions":[2,0]}"#)
    #expect(even.best == [2, 0])
    #expect(even.losses?.allSatisfy { abs($0 - third) < 1e-12 } == true)
    let losses = try answers(#"{"losses":[0.5,Infinity],"predictions":[2,0]}"#)
    #expect(losses.losses == [0.5, .infinity] && losses.probabilities == nil)
  }

  @Test(arguments: [
    ("[1]", "'predictions' has 1 entries; the example has 2 scored positions and 4 tokens"),
    ("[1,3]", "prediction 1 is 3, outside the vocabulary 0…2"),
    ("[null,2,null,null]", "null at the scored position 3"), ("[1,2.5]", "a whole number"),
    (#"{"index":-1,"predictions":[1,1]}"#, "'index' is -1"), ("{}", "'predictions' is missing"),
    (#"{"losses":[1,1]}"#, "'predictions' is missing"), ("null", "must be"),
    (#"{"predictions":[1,1],"losses":[1,NaN]}"#, "loss 1 is nan"),
    (#"{"predictions":[1,1],"losses":[1,-0.5]}"#, "loss 1 is -0.5"),
    (#"{"logits":[[1,2,3],[1,NaN,3]]}"#, "entry 1 of 'logits' has NaN"),
    (#"{"logits":[[1,2,3],[1,Infinity,3]]}"#, "entry 1 of 'logits' has the number inf"),
    (#"{"logits":[[1,2],[1,3]]}"#, "entry 0 of 'logits' has 2 numbers, the vocabulary 3"),
    (#"{"probabilities":[[0.5,0.2,0.2],[1,0,0]]}"#, "whose sum is 0.8"),
    (#"{"probabilities":[[1.5,-0.5,0],[1,0,0]]}"#, "has the probability 1.5"),
    (#"{"logProbabilities":[[0,0,0],[0,0,0]]}"#, "whose sum is above 2"),
    (#"{"logits":[[1,2,3],[1,2,3]],"losses":[1,1]}"#, "say the same"),
  ])
  func wrongPredictionsSayWhy(line: String, part: String) {
    let problem = #expect(throws: TextProblem.self) { try answers(line) }
    #expect(problem?.description.contains(part) == true, "\(problem?.description ?? "")")
  }

  /// Lines that were changed anywhere are read or refused: nothing else happens.
  @Test func changedLinesNeverCrash() {
    let line = Array(
      #"{"index":1,"predictions":[null,2,null,1],"logits":[null,[0.5,-1e3,2],null,[NaN,1,1]],"é":"\n"}"#
        .utf8)
    let alphabet = Array("{}[]\",:0123456789.-+eENaIntu\\ \u{7F}\0é".utf8)
    var random = RandomSource(seed: 3, stream: 4)
    for _ in 0..<3000 {
      var bytes = line
      for _ in 0...random.uniform(below: 3) {
        let place = random.uniform(below: bytes.count)
        switch random.uniform(below: 3) {
        case 0: bytes[place] = alphabet[random.uniform(below: alphabet.count)]
        case 1: bytes.remove(at: place)
        default: bytes.insert(alphabet[random.uniform(below: alphabet.count)], at: place)
        }
      }
      _ = try? PredictionLine(bytes).answers(to: Self.example, vocabulary: 3)
      _ = try? TokenLine(bytes, vocabulary: 3, longest: 9)
    }
  }
}
