import ArgumentParser
import Harness

/// The top of the command line.
struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hysteresis",
    abstract: "Benchmarks for the memory and state tracking of sequence models.",
    discussion: """
      EXAMPLES:
        hysteresis run tasks/quick.yaml
        hysteresis list architectures
        hysteresis show mqar --set pairs=4 --set length=64
        hysteresis generate mqar --examples 1000 --out train.jsonl
        hysteresis report results/quick
        hysteresis compare results/quick results/mine

      EXIT STATUS:
        0    all is well
        1    some cells failed, or a check did not pass
        64   the command line is wrong
        65   a grid, a setting or a record is wrong
        66   an input file is missing
        69   what was asked for is not available on this machine
        73   a result cannot be written
        74   a store cannot be used any more, as on a full disk
        75   other processes still train some cells; try again later
        130  interrupted
        143  terminated

      COMPLETIONS:
        hysteresis --generate-completion-script bash > \\
          ~/.local/share/bash-completion/completions/hysteresis
        hysteresis --generate-completion-script zsh > ~/.zfunc/_hysteresis
        hysteresis --generate-completion-script fish > \\
          ~/.config/fish/completions/hysteresis.fish
      """,
    version: ProgramVersion.text,
    subcommands: subcommands)

  private static let subcommands: [any ParsableCommand.Type] = [
    RunCommand.self, ValidateCommand.self, ReportCommand.self, CompareCommand.self,
    ListCommand.self, ShowCommand.self, GenerateCommand.self, PredictCommand.self,
    ScoreCommand.self, BenchCommand.self, DoctorCommand.self,
  ]

  static let commandNames = subcommands.map { $0.configuration.commandName ?? "" }
}

/// How a command prints its answer.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

extension ExpressibleByArgument where Self: CaseIterable & RawRepresentable, RawValue == String {
  static var allValueStrings: [String] { allCases.map(\.rawValue) }
}
