import Autograd
import CPUBackend
import Testing

@Suite struct OpTests {
  @Test(arguments: OpCatalog.all.filter { $0.reference != nil })
  func valuesAndGradients(_ entry: OpCase) throws {
    for level in CPUBackend.availableLevels {
      let backend = try CPUBackend(level: level, poison: true)
      for finding in entry.check(on: backend) {
        #expect(finding.passed, "\(entry) on \(level): \(finding)")
      }
    }
  }
}
