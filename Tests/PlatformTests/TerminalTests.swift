import Platform
import Testing

@Suite struct TerminalTests {
  private func usesColour(
    interactive: Bool, _ environment: [String: String] = [:]
  ) -> Bool {
    Terminal.usesColour(isInteractive: interactive) { environment[$0] }
  }

  @Test func theEnvironmentComesFirst() {
    #expect(!usesColour(interactive: true, ["NO_COLOR": "1", "FORCE_COLOR": "1"]))
    #expect(usesColour(interactive: true, ["NO_COLOR": ""]))
    #expect(usesColour(interactive: false, ["FORCE_COLOR": "1"]))
    #expect(usesColour(interactive: false, ["CLICOLOR_FORCE": "1", "TERM": "dumb"]))
    #expect(!usesColour(interactive: false, ["FORCE_COLOR": "0"]))
    #expect(!usesColour(interactive: true, ["TERM": "dumb"]))
  }

  @Test func otherwiseATerminalDecides() {
    #expect(usesColour(interactive: true, ["TERM": "xterm-256color"]))
    #expect(!usesColour(interactive: false))
  }

  @Test func aWidthIsAlwaysKnown() {
    #expect(Terminal(.output).width > 0)
    #expect(Terminal(.errors).width > 0)
  }
}
