import CPUBackend
import Harness
import Tensors
import Testing

/// The check of whole models, between two levels of the processor.
@Suite struct ModelCheckTests {
  private let check = ModelCheck(Registries())

  @Test(arguments: ["attention", "delta-net", "mlstm"])
  func levelsAgree(_ architecture: String) throws {
    let row = ModelCheck.Row(architecture: architecture)
    let backend = try CPUBackend(level: "baseline", poison: true)
    let verdict = try check.verdict(row, steps: 2, on: backend, named: "baseline")
    #expect(verdict.passed)
    #expect(verdict.largestError < 1e-4)
  }

  /// The models beyond each mixer with its defaults.
  @Test func levelsAgreeAboutUnusualModels() throws {
    for row in check.rows where !row.model.isEmpty || row.first != nil {
      let backend = try CPUBackend(level: "baseline", poison: true)
      let verdict = try check.verdict(row, steps: 1, on: backend, named: "baseline")
      #expect(verdict.passed && verdict.largestError < 1e-4, "\(verdict)")
    }
  }

  @Test func eachLengthIsCompared() throws {
    let row = ModelCheck.Row(
      architecture: "gru", data: ModelCheck.Data(vocabulary: 300, lengths: [16, 24, 32], batch: 4))
    let backend = try CPUBackend(level: "baseline", poison: true)
    let verdict = try check.verdict(row, steps: 4, on: backend, named: "baseline")
    #expect(verdict.passed && verdict.cases == 3)
    #expect(verdict.op == "model gru vocabulary=300 lengths=16,24,32 batch=4")
  }

  @Test func aModelWithOtherParametersFails() throws {
    let row = ModelCheck.Row(architecture: "gru")
    let backend = try CPUBackend(poison: true)
    let verdict = try check.verdict(row, steps: 1, on: backend, named: "cpu", disturbance: 0.2)
    #expect(!verdict.passed)
    #expect(verdict.fault != nil)
  }

  @Test func variantsAreRowsOfTheirOwn() {
    let titles = check.rows.map(\.name)
    #expect(titles.contains("model delta-net"))
    #expect(titles.contains("model delta-net eigenvalues=signed"))
    #expect(titles.contains("model attention channelMixer=mlp norm=rms"))
    #expect(Set(titles).count == titles.count)
  }
}
