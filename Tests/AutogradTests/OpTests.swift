import Autograd
import CPUBackend
import Testing

@Suite struct OpTests {
  @Test(arguments: OpCatalog.all.filter { $0.reference != nil })
  func valuesAndGradients(_ entry: OpCase) throws {
    // The reference is what takes long: all levels share what it gives.
    let expected = try #require(entry.expectation())
    for level in CPUBackend.availableLevels {
      let backend = try CPUBackend(level: level, poison: true)
      for finding in entry.check(on: backend, against: expected) {
        #expect(finding.passed, "\(entry) on \(level): \(finding)")
      }
    }
  }
}
