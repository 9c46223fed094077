import Configuration
import Randomness
import TaskGenerators
import Testing

@Suite struct RegularLanguageTests {
  private func make(_ given: [String: SettingValue]) throws -> RegularLanguageMembership {
    try RegularLanguageMembership.make(given)
  }

  private static var names: [String] {
    guard case .choice(let names) = RegularLanguageMembership.info.settings[0].kind else {
      return []
    }
    return names.filter { $0 != "custom" }
  }

  // MARK: - Golden examples

  @Test func examplesAreTheGoldenOnes() throws {
    let running = try make(["length": .integer(12)]).example(split: .train, seed: 1, index: 0)
    #expect(running.tokens == [1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    #expect(running.targets.map(\.token) == [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    #expect(running.slices == [12, 1])
    let final = try make([
      "length": .integer(9), "language": .text("ab-d-bc"), "target": .text("final"),
    ]).example(split: .train, seed: 1, index: 0)
    #expect(final.tokens == [2, 2, 3, 3, 2, 0, 2, 1, 0])
    #expect(final.targets == [Target(position: 8, token: 0)])
    #expect(final.slices == [9, 0])
  }

  // MARK: - The named languages

  /// The languages as their authors describe them, without automata.
  static let descriptions: [String: @Sendable (String) -> Bool] = [
    "tomita-1": { !$0.contains("0") },
    "tomita-2": { $0.count % 2 == 0 && $0 == String(repeating: "10", count: $0.count / 2) },
    "tomita-3": { text in
      let runs = Self.runs(of: text)
      return !zip(runs, runs.dropFirst()).contains {
        $0.first == "1" && $0.count % 2 == 1 && $1.count % 2 == 1
      }
    },
    "tomita-4": { !$0.contains("000") },
    "tomita-5": { text in text.count % 2 == 0 && text.count { $0 == "1" } % 2 == 0 },
    "tomita-6": { text in
      (text.count { $0 == "0" } - text.count { $0 == "1" }) % 3 == 0
    },
    "tomita-7": { Self.runs(of: $0).count <= ($0.hasPrefix("0") ? 4 : 3) },
    "parity": { text in text.count { $0 == "1" } % 2 == 0 },
    "aa-star": { $0.count % 2 == 0 },
    "abab-star": {
      $0.count % 4 == 0 && $0 == String(repeating: "abab", count: $0.count / 4)
    },
    "abcde": { Self.runs(of: $0).map { $0.prefix(1) }.joined() == "abcde" },
    "ab-d-bc": { text in
      guard let middle = text.firstIndex(of: "d") else { return false }
      return text[..<middle].allSatisfy { "ab".contains($0) }
        && text[middle...].dropFirst().allSatisfy { "bc".contains($0) }
    },
    "012-02": { text in text.last { $0 != "2" } == "0" },
    "depth-2": { Self.isNested($0, within: 2) },
    "depth-3": { Self.isNested($0, within: 3) },
    "depth-4": { Self.isNested($0, within: 4) },
    "depth-12": { Self.isNested($0, within: 12) },
  ]

  private static func runs(of text: String) -> [String] {
    text.reduce(into: [String]()) { runs, letter in
      if runs.last?.last == letter {
        runs[runs.count - 1].append(letter)
      } else {
        runs.append(String(letter))
      }
    }
  }

  private static func isNested(_ text: String, within depth: Int) -> Bool {
    var level = 0
    for letter in text {
      level += letter == "a" ? 1 : -1
      if !(0...depth).contains(level) { return false }
    }
    return level == 0
  }

  /// Every string up to a length, against the description.
  @Test(arguments: names)
  func automatonIsThatOfTheDescription(name: String) throws {
    let describes = try #require(Self.descriptions[name])
    let automaton = try make(["language": .text(name)]).automaton
    let symbols = automaton.symbols.count
    var length = 0
    var count = 1
    while count <= 2048, length <= 14 {
      for word in words(of: length, over: symbols) {
        let text = word.map { automaton.symbols[Int($0)] }.joined()
        #expect(automaton.accepts(word) == describes(text), "\(text)")
      }
      length += 1
      count *= symbols
    }
  }

  private func words(of length: Int, over symbols: Int) -> [[Int32]] {
    (0..<length).reduce([[]]) { words, _ in
      words.flatMap { word in (0..<Int32(symbols)).map { word + [$0] } }
    }
  }

  @Test func everyNameIsDescribed() {
    #expect(Set(Self.names) == Set(Self.descriptions.keys))
  }

  // MARK: - Sampling

  /// All strings of a label occur, each as often as any other.
  @Test(arguments: [("tomita-3", 5), ("tomita-7", 6), ("ab-d-bc", 3), ("depth-2", 8)])
  func stringsOfALabelAreEquallyLikely(name: String, length: Int) throws {
    let task = try make([
      "language": .text(name), "length": .integer(length), "target": .text("final"),
    ])
    var counts: [[Int32]: Int] = [:]
    var example = Example()
    for index in 0..<2000 {
      var random = task.source(split: .train, seed: 2, index: UInt64(index))
      task.write(using: &random, into: &example)
      counts[example.tokens, default: 0] += 1
    }
    let all = words(of: length, over: task.automaton.symbols.count)
    for label in [true, false] {
      let labelled = all.filter { task.automaton.accepts($0) == label }
      let occurring = labelled.map { counts[$0] ?? 0 }
      let expected = Double(occurring.reduce(0, +)) / Double(labelled.count)
      guard expected > 8 else { continue }
      #expect(
        occurring.allSatisfy { abs(Double($0) - expected) < 5.5 * expected.squareRoot() })
    }
  }

  @Test(arguments: names)
  func finalLabelsAreBalanced(name: String) throws {
    guard let task = try? make(["language": .text(name), "target": .text("final")]) else {
      #expect(name == "aa-star")
      return
    }
    var accepted = 0
    for index in 0..<300 {
      let example = task.example(split: .train, seed: 3, index: UInt64(index))
      #expect(example.slices[1] == Int(example.targets[0].token))
      accepted += example.slices[1]
    }
    #expect(abs(accepted - 150) < 44)  // five standard deviations
    #expect(task.chance == 0.5)
  }

  /// The share of accepted prefixes against a count over all strings.
  @Test(arguments: ["tomita-1", "tomita-2", "tomita-5", "depth-2", "aa-star"])
  func chanceIsTheShareOfTheCommonerAnswer(name: String) throws {
    let task = try make(["language": .text(name), "length": .range(2...7)])
    let automaton = task.automaton
    var share = 0.0
    for length in 2...7 {
      var strings: [Bool: (count: Int, accepted: Int)] = [:]
      for word in words(of: length, over: automaton.symbols.count) {
        let prefixes = (1...length).count { automaton.accepts(word[..<$0]) }
        let label = automaton.accepts(word)
        strings[label, default: (0, 0)].count += 1
        strings[label, default: (0, 0)].accepted += prefixes
      }
      for (count, accepted) in strings.values {
        share += Double(accepted) / Double(count) / Double(strings.count)
      }
    }
    share /= Double((2...7).reduce(0, +))
    #expect(abs(task.chance - max(share, 1 - share)) < 1e-12)
  }

  /// Rare strings of a long length are drawn too: 1* has one among 2^2000.
  @Test func longStringsAreDrawn() throws {
    let task = try make([
      "language": .text("tomita-1"), "length": .integer(2000), "target": .text("final"),
    ])
    let lonely = (0..<20).map { task.example(split: .train, seed: 4, index: UInt64($0)) }
      .filter { $0.slices[1] == 1 }
    #expect(!lonely.isEmpty && lonely.count < 20)
    #expect(lonely.allSatisfy { example in example.tokens.allSatisfy { $0 == 1 } })
  }

  // MARK: - Automata as texts

  @Test func customAutomatonIsThatOfTheText() throws {
    let text = "accept 1;1 b 0 ; 0 b 1; ; 0 a 0;  1 a 1"
    let task = try make(["language": .text("custom"), "automaton": .text(text)])
    #expect(task.automaton.symbols == ["a", "b"])
    #expect(task.solve([1, 0, 1, 1]).map(\.token) == [1, 1, 0, 1])
    let again = try Automaton("0 a 0; 0 b 1; 1 a 1; 1 b 0; accept 1")
    #expect(again == task.automaton)
    // The order of ids is that of the symbols, and what is missing is rejected for ever.
    let partial = try Automaton("0 zz 7; 7 b 0; accept 7")
    #expect(partial.symbols == ["b", "zz"] && partial.stateCount == 3)
    #expect(partial.accepts([1]) && partial.accepts([1, 0, 1]) && !partial.accepts([0, 1, 1]))
  }

  @Test(arguments: [
    ("", "the automaton has no transition"),
    (" ; ;", "the automaton has no transition"),
    ("0 a 1", "the automaton has no 'accept'"),
    ("0 a", "clause 1, '0 a' is no transition"),
    ("0 a 1; 1 a  2 3; accept 1", "clause 2, '1 a 2 3' is no transition"),
    ("0 a q1; accept 0", "clause 1, '0 a q1' has 'q1' in place of a state"),
    ("-1 a 0; accept 0", "clause 1, '-1 a 0' has '-1' in place of a state"),
    ("0 a 256; accept 0", "clause 1, '0 a 256' has '256' in place of a state"),
    (
      "0 a 1; 0 b 1; 0 a 0; accept 1",
      "clause 3, '0 a 0' is a second transition from state 0 with 'a'"
    ),
    ("0 a 1; accept", "clause 2, 'accept' names no state"),
    ("0 a 1; accept x", "clause 2, 'accept x' has 'x' in place of a state"),
    ("0 a 1; accept 1; accept 0", "clause 3, 'accept 0' is a second 'accept'"),
    ("0 a 1; accept 2", "'accept' names state 2, which no transition does"),
    ("0 a 0; accept 0", "the automaton accepts every string"),
    ("0 a 0; 1 a 1; accept 1", "the automaton rejects every string"),
  ])
  func nonsenseIsRefused(text: String, problem: String) {
    let error = #expect(throws: SettingError.self) { try Automaton(text) }
    #expect(error?.setting == "automaton")
    #expect(error?.problem == problem)
    #expect(error?.help.isEmpty == false)
  }

  @Test(
    arguments: [
      (["automaton": .text("0 a 1; accept 1")], "automaton"),
      (["language": .text("custom")], "automaton"),
      (["language": .text("aa-star"), "target": .text("final")], "target"),
      (
        ["language": .text("depth-2"), "target": .text("final"), "length": .integer(7)], "target"
      ),
      (["language": .text("tomita-8")], "language"),
    ] as [([String: SettingValue], String)])
  func impossibleSettingsAreRefused(given: [String: SettingValue], setting: String) {
    let error = #expect(throws: SettingError.self) { try make(given) }
    #expect(error?.setting == setting)
    #expect(error?.help.isEmpty == false)
  }
}
