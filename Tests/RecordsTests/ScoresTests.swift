import Testing

@testable import Records

@Suite struct ScoresTests {
  @Test func partsAreWeightedByWhatTheyCount() {
    let all = Scores.combined([
      Scores(
        tokenAccuracy: 1, exampleAccuracy: 0.5, sequenceAccuracy: 0.25, loss: 1, tokens: 30,
        examples: 1),
      Scores(
        tokenAccuracy: 0, exampleAccuracy: 1, sequenceAccuracy: 0.75, loss: 3, tokens: 10,
        examples: 3),
    ])
    #expect(
      all
        == Scores(
          tokenAccuracy: 0.75, exampleAccuracy: 0.875, sequenceAccuracy: 0.625, loss: 1.5,
          tokens: 40, examples: 4))
  }

  @Test func nothingScoresNothing() {
    let none = Scores.combined([])
    #expect(none.tokenAccuracy.isNaN)
    #expect(none.tokens == 0)
    let one = Samples.scores(0.5)
    #expect(Scores.combined([none, one]) == one)
  }

  @Test func scoresHaveNames() {
    #expect(Samples.scores(0.5).value("sequenceAccuracy") == 0.25)
    #expect(Samples.scores(0.5).value("speed") == nil)
  }
}
