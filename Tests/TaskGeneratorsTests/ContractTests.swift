import Configuration
import Randomness
import TaskGenerators
import Testing

/// What holds for every listed task.
@Suite struct ContractTests {
  @Test(arguments: TaskCase.all)
  func examplesAreWellFormed(_ tested: TaskCase) {
    let task = tested.task
    let ids = 0..<Int32(task.vocabulary)
    for index in 0..<6 {
      let example = task.example(split: .train, seed: 1, index: UInt64(index))
      #expect(!example.tokens.isEmpty && example.tokens.count <= task.maximumLength)
      #expect(!example.targets.isEmpty && example.targets.count <= task.maximumTargets)
      #expect(example.tokens.allSatisfy(ids.contains))
      #expect(example.targets.allSatisfy { ids.contains($0.token) })
      let positions = example.targets.map(\.position)
      #expect(zip(positions, positions.dropFirst()).allSatisfy(<))
      #expect(positions.allSatisfy { example.tokens.indices.contains(Int($0)) })
      #expect(positions.allSatisfy { Int($0) >= example.questionStart })
      #expect(example.slices.count == type(of: task).info.slices.count)
      #expect(task.describe(example).count == example.tokens.count)
      #expect(example.targets.count % task.answerLength == 0)
    }
  }

  /// What may stand at a target is stated for all targets or for none, and the target may.
  @Test(arguments: TaskCase.all)
  func choicesHoldTheTargets(_ tested: TaskCase) {
    let metrics = type(of: tested.task).info.metrics
    let isUncertain = metrics.contains(.totalVariation) || metrics.contains(.grammarAccuracy)
    for index in 0..<4 {
      let example = tested.task.example(split: .validation, seed: 1, index: UInt64(index))
      #expect(example.choices.count == (isUncertain ? example.targets.count : 0))
      for (target, choices) in zip(example.targets, example.choices) {
        #expect(choices >> UInt64(target.token) & 1 == 1)
        #expect(tested.task.vocabulary == 64 || choices >> UInt64(tested.task.vocabulary) == 0)
      }
    }
  }

  /// Baselines and the guess answer every position with a token of the vocabulary, and where they
  /// give probabilities, the token is a most probable one.
  @Test(arguments: TaskCase.all)
  func predictionsAreWellFormed(_ tested: TaskCase) {
    let task = tested.task
    #expect(Set(task.baselines.map(\.name)).count == task.baselines.count)
    let example = task.example(split: .test, seed: 3, index: 0)
    let positions = example.targets.map(\.position)
    var random = RandomSource(seed: 1)
    let guess = task.guess(example.tokens, at: positions, using: &random)
    let answers = task.baselines.map { $0.predict(example.tokens, positions, &random) }
    for predictions in [guess] + answers {
      #expect(predictions.count == positions.count)
      for prediction in predictions {
        #expect((0..<Int32(task.vocabulary)).contains(prediction.token))
        guard !prediction.probabilities.isEmpty else { continue }
        #expect(prediction.probabilities.count == task.vocabulary)
        #expect(abs(prediction.probabilities.reduce(0, +) - 1) < 1e-9)
        let most = prediction.probabilities.max()
        #expect(prediction.probabilities[Int(prediction.token)] == most)
      }
    }
  }

  @Test(arguments: TaskCase.all)
  func oracleIsRightEverywhere(_ tested: TaskCase) {
    for index in 0..<10 {
      let example = tested.task.example(split: .test, seed: 2, index: UInt64(index))
      #expect(hits(tested.task.solve(example.tokens), of: example) == example.targets.count)
    }
  }

  @Test(arguments: TaskCatalog.all.map { $0.info.name })
  func guessScoresTheChanceLine(name: String) throws {
    for given in [[:]] + TaskCase.choices(of: try TaskRegistry().type(named: name).info.settings) {
      guard let task = try? TaskRegistry().make(name, settings: given),
        task.maximumLength <= 128
      else { continue }
      // Examples are independent, their answers may not be: a running answer changes seldom.
      var excess = 0.0
      var squares = 0.0
      var scored = 0
      var random = RandomSource(seed: 3)
      for index in 0..<150 {
        let example = task.example(split: .train, seed: 3, index: UInt64(index))
        let right = hits(task.guess(example.tokens, using: &random), of: example)
        let difference = Double(right) - task.chance * Double(example.targets.count)
        excess += difference
        squares += difference * difference
        scored += example.targets.count
      }
      let independent = (task.chance * (1 - task.chance) / Double(scored)).squareRoot()
      let deviation = max(independent, squares.squareRoot() / Double(scored))
      #expect(abs(excess) / Double(scored) <= 5 * deviation + 1e-9, "\(TaskCase(task, given))")
    }
  }

  @Test(arguments: TaskCase.all)
  func anExampleDoesNotDependOnWhatWasMadeBefore(_ tested: TaskCase) {
    let task = tested.task
    let inOrder = (0..<8).map { task.example(split: .train, seed: 4, index: $0) }
    var reused = Example()
    for index in [7, 0, 3, 3, 6, 1, 5, 2, 4] {
      task.write(split: .train, seed: 4, index: UInt64(index), into: &reused)
      #expect(reused == inOrder[index])
    }
  }

  @Test(arguments: TaskCatalog.all.map { $0.info.name })
  func oneThreadAndEightMakeTheSameBits(name: String) async throws {
    let task = try TaskRegistry().make(name)
    let alone = (0..<64).map { task.example(split: .validation, seed: 5, index: $0) }
    let together = await withTaskGroup(of: [(Int, Example)].self) { group in
      for worker in 0..<8 {
        group.addTask {
          stride(from: worker, to: 64, by: 8).map {
            ($0, task.example(split: .validation, seed: 5, index: UInt64($0)))
          }
        }
      }
      return await group.reduce(into: [Int: Example]()) { all, part in
        for (index, example) in part { all[index] = example }
      }
    }
    for (index, example) in alone.enumerated() { #expect(together[index] == example) }
  }

  @Test(arguments: TaskCase.all)
  func splitsSeedsAndIndicesHaveStreamsOfTheirOwn(_ tested: TaskCase) {
    var streams: Set<RandomSource> = []
    for split in Split.allCases {
      for seed: UInt64 in [0, 1, 2, .max] {
        for index: UInt64 in [0, 1, 2, .max] {
          let source = tested.task.source(split: split, seed: seed, index: index)
          #expect(streams.insert(source).inserted)
        }
      }
    }
  }

  @Test(arguments: TaskCatalog.all.map { $0.info.name })
  func refusalsNameADeclaredSetting(name: String) throws {
    let type = try TaskRegistry().type(named: name)
    let declared = type.info.settings.map(\.name)
    for given in TaskCase.choices(of: type.info.settings) {
      do throws(SettingError) {
        _ = try type.make(given)
      } catch {
        #expect(declared.contains(error.setting))
        #expect(!error.help.isEmpty)
      }
    }
  }

  @Test func informationIsComplete() {
    #expect(Set(TaskCatalog.all.map { $0.info.name }).count == TaskCatalog.all.count)
    for info in TaskCatalog.all.map({ $0.info }) {
      #expect(!info.summary.isEmpty && !info.summary.contains("\n"))
      #expect(!info.picture.isEmpty && !info.paper.isEmpty && !info.slices.isEmpty)
      #expect(Set(info.settings.map(\.name)).count == info.settings.count)
      #expect(!info.metrics.isEmpty && Set(info.metrics).count == info.metrics.count)
      #expect(info.breakdowns.flatMap(\.slices).allSatisfy(info.slices.contains))
      for setting in info.settings {
        #expect(setting.kind.normalised(setting.defaultValue) == setting.defaultValue)
        #expect(!setting.meaning.isEmpty)
      }
    }
  }

  /// No setting is accepted and ignored: each is at least a part of the streams' names, and a task
  /// keeps all that it was given.
  @Test func everySettingNamesAStreamOfItsOwn() throws {
    for type in TaskCatalog.all {
      var labels: Set<UInt64> = [type.streamLabel(of: try type.make().settings)]
      let cases = type.info.settings.flatMap { setting in
        setting.alternatives.map { [setting.name: $0] }
      }
      for given in cases {
        let owner = "task \(type.info.name)"
        let complete = try SettingValues(given, declared: type.info.settings, of: owner)
        #expect(labels.insert(type.streamLabel(of: complete)).inserted)
        if let task = try? type.make(given) { #expect(task.settings == complete) }
      }
    }
  }
}
