import Foundation
import Testing

/// The way out of the suite and back in: models kept, run and scored, as a user does it.
@Suite struct OutsideTests {
  /// A trained store with its model, the test set, and the predictions.
  private func trained(_ grid: String = tinyGrid) throws -> (program: Program, model: String) {
    let program = try Program()
    try program.write(grid, to: "g.yaml")
    let run = try program.call(
      "run", "g.yaml", "--out", "s", "--seeds", "0", "--checkpoints", "--quiet")
    #expect(run.status == 0, "\(run.errors)")
    let model = try #require(program.contents.first { $0.hasPrefix("s/models/") })
    let test = try program.call("generate", "--grid", "g.yaml", "--split", "test", "-o", "t.jsonl")
    #expect(test.status == 0, "\(test.errors)")
    let predict = try program.call("predict", model, "--tokens", "t.jsonl", "--out", "p.jsonl")
    #expect(predict.status == 0 && predict.output.isEmpty && predict.errorLines.count == 1)
    return (program, model)
  }

  private static let score = ["score", "--grid", "g.yaml", "--out", "s", "--name"]

  @Test func theWayOutAndBack() throws {
    let (program, model) = try trained()
    #expect(try program.read("t.jsonl").split(separator: "\n").count == 8)
    let again = try program.call(
      "run", "g.yaml", "--out", "s", "--seeds", "0", "--checkpoints", "--dry-run")
    #expect(again.output.contains("0 to do"))
    try FileManager.default.removeItem(atPath: program.path(model))
    let missing = try program.call("run", "g.yaml", "--out", "s", "--seeds", "0", "--checkpoints")
    #expect(missing.errors.contains("1 finished cells have no model file and are trained again"))
    #expect(program.contents.contains(model))

    let score = try program.call(
      Self.score + [
        "<b>|mine|</b>", "--predictions", "p.jsonl", "--parameters", "7", "--state-bytes", "9",
      ])
    #expect(score.status == 0 && score.output.contains("token accuracy"), "\(score.errors)")
    #expect(score.errors.contains("was made"))
    let ours = try program.call("report", "s", "--format", "csv").output.split(separator: "\r\n")
    let rows = ours.filter { $0.contains(",all,") }.map { $0.split(separator: ",") }
    #expect(rows.count == 2 && rows[1][1] == "<b>|mine|</b>", "\(ours)")
    // The same predictions have the same scores, from the chance to the best.
    #expect(rows[0][3...9] == rows[1][3...9])
    let curves = try program.read("s/curves.csv").split(separator: "\r\n")
    #expect(curves.count > 2 && curves[0].hasPrefix("key,task,model,seed,tuned,step,loss"))
    #expect(curves.dropFirst().allSatisfy { $0.contains(",parity,gru,0,") })

    let replaced = try program.call(Self.score + ["<b>|mine|</b>", "--predictions", "p.jsonl"])
    #expect(replaced.status == 0 && replaced.errors.contains("was replaced"))
    let other = try program.call(
      Self.score + ["other", "--predictions", "p.jsonl", "--format", "json", "--seed", "3"])
    #expect(other.status == 0 && other.output.hasPrefix("{"))
  }

  /// The number 1.0 is written as 1, and is the same setting.
  @Test func aWholeNumberOfAnyKindIsTheSameTest() throws {
    let (program, _) = try trained(
      tinyGrid.replacing(
        "name: parity, length: 5",
        with: "name: mqar, vocabulary: 16, length: 16, pairs: 2, gapExponent: 1"))
    let score = try program.call(Self.score + ["mine", "--predictions", "p.jsonl"])
    #expect(score.status == 0, "\(score.errors)")
  }

  @Test func modelsAnswerAndSayWhatTheyAre() throws {
    let (program, model) = try trained()
    try program.write("[1,0,1]\n\n{\"tokens\":[0],\"targets\":[1]}\n", to: "few.jsonl")
    struct Line: Decodable {
      let index: Int
      let predictions: [Int?]
      let logits: [[Double]?]?
      let top: [[[Double]]?]?
    }
    func lines(_ options: String...) throws -> [Line] {
      let call = try program.call(
        ["predict", model, "--tokens", "few.jsonl", "--quiet"] + options)
      #expect(call.status == 0 && call.errors.isEmpty, "\(call.errors)")
      return try call.output.split(separator: "\n").map {
        try JSONDecoder().decode(Line.self, from: Data($0.utf8))
      }
    }
    let plain = try lines()
    #expect(plain.map(\.index) == [0, 1] && plain.map(\.predictions.count) == [3, 1])
    #expect(plain[0].logits == nil && plain[0].top == nil)
    for line in try lines("--logits", "--top", "2", "--batch", "1") {
      for (place, answer) in line.predictions.enumerated() {
        let logits = try #require(line.logits?[place])
        let top = try #require(line.top?[place])
        #expect(logits.count == 2 && top.count == 2)
        #expect(top[0][0] == Double(answer ?? -1) && top[0][1] >= top[1][1])
        #expect(abs(top[0][1] - top[1][1] - abs(logits[0] - logits[1])) < 1e-5)
      }
    }
    let described = try program.call("predict", model, "--describe")
    #expect(described.output.contains("\"embedding\"") && described.output.contains("\"gru\""))
  }

  @Test func refusalsOfPredictSayWhatIsWrong() throws {
    let (program, model) = try trained()
    func predict(_ arguments: String...) throws -> Call {
      try program.call(["predict"] + arguments)
    }
    try predict(model).expectRefusal(64, "--tokens or --describe")
    try predict(model, "--tokens", "t.jsonl", "--top", "0").expectRefusal(64, "--top")
    try predict("none", "--describe").expectRefusal(66, "none")
    try predict("g.yaml", "--describe").expectRefusal(65, "g.yaml", "not a model")
    try predict(model, "--tokens", "none").expectRefusal(66, "none")
    try predict(model, "--tokens", "t.jsonl", "--out", "no/p").expectRefusal(73, "no/p")
    try program.write("[1]\n[1,2]\n", to: "wrong.jsonl")
    try predict(model, "--tokens", "wrong.jsonl")
      .expectRefusal(65, "wrong.jsonl:2: token 1 is 2, outside the vocabulary 0…1")
    try program.write("[1,1,1,1,1,1]\n", to: "long.jsonl")
    try predict(model, "--tokens", "long.jsonl")
      .expectRefusal(65, "long.jsonl:1: 6 tokens are too many; the model takes 4")
    #expect(try predict(model, "--tokens", "long.jsonl", "--longest", "6").status == 0)
    try predict(model, "--tokens", "wrong.jsonl", "--out", "p2").expectRefusal(65, "wrong.jsonl:2")
    #expect(!program.contents.contains { $0.hasPrefix("p2") })
  }

  @Test func refusalsOfScoreSayWhatIsWrong() throws {
    let (program, _) = try trained()
    let files = program.contents
    func score(_ lines: String, _ more: String...) throws -> Call {
      try program.write(lines, to: "w.jsonl")
      return try program.call(Self.score + ["x", "--predictions", "w.jsonl"] + more)
    }
    let right = (0..<8).map { "{\"index\":\($0),\"predictions\":[1]}\n" }
    #expect(try score(right.reversed().joined()).status == 0)
    try score(right[..<7].joined()).expectRefusal(65, "w.jsonl: 1 of 8 examples", "example 7")
    try score(right.joined() + right[3])
      .expectRefusal(65, "w.jsonl:9: example 3 is answered in line 4 already")
    try score(right.joined() + "{\"index\":8,\"predictions\":[1]}")
      .expectRefusal(65, "w.jsonl:9: there is no example 8 of 8")
    try score(right[0] + "[1]").expectRefusal(65, "w.jsonl:2: 'index' is missing")
    try score(right[0] + "{\"index\":1,\"predictions\":[1],\"losses\":[1]}")
      .expectRefusal(65, "w.jsonl:2: it has 'losses', the lines before have predictions alone")
    try score("[2]\n").expectRefusal(65, "w.jsonl:1: prediction 0 is 2")
    try score("").expectRefusal(65, "8 of 8 examples")
    try score("[1]", "--predictions", "w.jsonl").expectRefusal(65, "2 files", "1 test segments")
    try score("[1]", "--state-bytes", "8").expectRefusal(64, "--parameters")
    try score("[1]", "--task", "recall").expectRefusal(65, "no task 'recall'", "'parity'")
    try score("[1]", "--examples", "3").expectRefusal(64, "--examples")
    let all = right.joined()
    try program.write(all, to: "w.jsonl")
    for name in ["", " x", "a\nb", "\u{1B}[1m", "a\u{202E}b", String(repeating: "x", count: 500)] {
      try program.call(Self.score + [name, "--predictions", "w.jsonl"])
        .expectRefusal(65, "--name")
    }
    try program.call(Self.score + ["gru", "--predictions", "w.jsonl"])
      .expectRefusal(65, "a model 'gru' of its own")
    try program.call(Self.score + ["y", "--predictions", "none"]).expectRefusal(66, "none")
    try program.call("score", "parity", "--predictions", "w.jsonl", "--name", "y", "--out", "s")
      .expectRefusal(65, "other test examples")
    try program.call("score", "--predictions", "w.jsonl", "--name", "y").expectRefusal(64, "--grid")
    // A name is never a path: the record is called by its key.
    let hostile = try program.call(Self.score + ["../../x", "--predictions", "w.jsonl"])
    #expect(hostile.status == 0)
    let new = program.contents.subtracting(files).subtracting(["w.jsonl"])
    #expect(new.allSatisfy { $0.hasPrefix("s/cells/") && $0.hasSuffix(".json") }, "\(new)")
  }

  /// All segments of a split are one file, of which each is a part.
  @Test func aGridsDataHasAllItsSegments() throws {
    let program = try Program()
    let test =
      "test: [{length: 4, examples: 3}, {length: 7, examples: 2}], train: {examples: 6}, validation"
    try program.write(
      tinyGrid.replacing("test: {examples: 8}", with: "x")
        .replacing("validation: {examples: 8}, x", with: test + ": {examples: 8}"), to: "g.yaml")
    func generate(_ arguments: String...) throws -> Call {
      try program.call(["generate", "--grid", "g.yaml"] + arguments)
    }
    let all = try generate("--split", "test")
    #expect(all.status == 0, "\(all.errors)")
    let parts = try ["1", "2"].map { try generate("--split", "test", "--segment", $0).output }
    #expect(all.output == parts.joined())
    #expect(parts.map { $0.split(separator: "\n").count } == [3, 2])
    #expect(try generate().output.split(separator: "\n").count == 6)
    #expect(
      try generate("--examples", "2", "--first", "4").output.split(separator: "\n").count == 2)

    // The segments are scored from one file or from one for each.
    try program.write("[0]\n[0]\n[1]\n[1]\n[0]\n", to: "p")
    try program.write("[0]\n[0]\n[1]\n", to: "p1")
    try program.write(
      "{\"index\":1,\"predictions\":[0]}\n{\"index\":0,\"predictions\":[1]}\n", to: "p2")
    let score = ["score", "--grid", "g.yaml", "--name", "x", "--format", "json"]
    let one = try program.call(score + ["--predictions", "p"])
    #expect(one.status == 0, "\(one.errors)")
    let two = try program.call(score + ["--predictions", "p1", "--predictions", "p2"])
    #expect(two.status == 0 && two.output == one.output, "\(two.errors)")

    // Examples are counted through all segments of a file, and lines are of one kind in all.
    func refused(_ lines: String, _ part: String, more: [String] = []) throws {
      try program.write(lines, to: "w")
      try program.call(score + ["--predictions"] + more + ["w"]).expectRefusal(65, part)
    }
    let first = ["p1", "--predictions"]
    try refused(
      "[0]\n[0]\n[1]\n[1]\n", "w: 1 of 5 examples have no predictions; the first is example 4")
    try refused("[0]\n", "w: 4 of 5 examples have no predictions; the first is example 1")
    try refused("[0]\n[0]\n[1]\n[1]\n[0]\n[0]\n", "w:6: there is no example 5 of 5")
    try refused(
      "[0]\n", "w: 1 of 2 examples have no predictions; the first is example 1", more: first)
    try refused("[0]\n[0]\n[1]\n", "w:3: there is no example 2 of 2", more: first)
    func line(_ index: Int) -> String { "{\"index\":\(index),\"predictions\":[0]}\n" }
    try refused(line(4) + line(4), "w:2: example 4 is answered in line 1 already")
    let loss = "{\"predictions\":[0],\"losses\":[1]}\n"
    try refused(
      "[0]\n[0]\n[1]\n" + loss + loss, "w:4: it has 'losses', the lines before have predictions")
    try refused(loss + loss, "w:1: it has 'losses', the lines before have predictions", more: first)

    try generate("--examples", "7").expectRefusal(64, "--examples 7", "only 6")
    try generate("--segment", "2").expectRefusal(64, "--segment 2")
    try generate("--split", "test", "--format", "safetensors", "-o", "t")
      .expectRefusal(64, "--segment")
    try generate("parity").expectRefusal(64, "not both")
    try generate("--set", "length=4").expectRefusal(64, "--set")
    try program.call("generate", "parity", "-e", "1", "--segment", "1")
      .expectRefusal(64, "--segment")
    try program.call("generate", "-e", "1").expectRefusal(64, "--grid")
  }
}
