import Platform
import Testing

@Suite struct TerminalTests {
  private func usesColour(
    _ choice: Terminal.ColourChoice, interactive: Bool, _ environment: [String: String] = [:]
  ) -> Bool {
    Terminal.usesColour(choice, isInteractive: interactive) { environment[$0] }
  }

  @Test func theFlagComesFirst() {
    #expect(usesColour(.always, interactive: false, ["NO_COLOR": "1", "TERM": "dumb"]))
    #expect(!usesColour(.never, interactive: true, ["FORCE_COLOR": "1"]))
  }

  @Test func theEnvironmentComesNext() {
    #expect(!usesColour(.auto, interactive: true, ["NO_COLOR": "1", "FORCE_COLOR": "1"]))
    #expect(usesColour(.auto, interactive: true, ["NO_COLOR": ""]))
    #expect(usesColour(.auto, interactive: false, ["FORCE_COLOR": "1"]))
    #expect(usesColour(.auto, interactive: false, ["CLICOLOR_FORCE": "1", "TERM": "dumb"]))
    #expect(!usesColour(.auto, interactive: false, ["FORCE_COLOR": "0"]))
    #expect(!usesColour(.auto, interactive: true, ["TERM": "dumb"]))
  }

  @Test func otherwiseATerminalDecides() {
    #expect(usesColour(.auto, interactive: true, ["TERM": "xterm-256color"]))
    #expect(!usesColour(.auto, interactive: false))
  }

  @Test func aWidthIsAlwaysKnown() {
    #expect(Terminal(.output).width > 0)
    #expect(Terminal(.errors, colour: .always).usesColour)
  }
}
