import Platform

/// The script of a job array whose tasks work on one store.
///
/// Nothing that a user wrote becomes a word of the shell or an option of Slurm that was not meant:
/// every word is quoted, and what cannot be quoted is refused.
public struct SlurmScript: Sendable {
  /// Seconds before the time limit at which workers are told to save.
  private static let warning = 60

  public let text: String

  /// Writes the script.
  ///
  /// - Parameters:
  ///   - name: The grid's name.
  ///   - request: What it asks for.
  ///   - logs: The folder of the workers' logs.
  ///   - folder: Where the workers work.
  ///   - command: The program and its arguments.
  /// - Throws: `LaunchError` for what no script can hold.
  public init(
    name: String, request: SlurmRequest, logs: String, folder: String, command: [String]
  ) throws(LaunchError) {
    guard !(command + [folder]).contains(where: { $0.unicodeScalars.contains("\0") }) else {
      throw LaunchError("a job script cannot hold a NUL character", .usage)
    }
    // A percent sign stands for a part of the job's name in the path of a log.
    let log = logs.replacing("%", with: "%%") + "/%A_%a.log"
    var options: [(name: String, value: String?)] = [("job-name", "hysteresis-\(name)")]
    options += try request.directives()
    options += [
      ("output", log), ("open-mode", "append"), ("requeue", nil),
      ("signal", "B:TERM@\(Self.warning)"),
    ]
    var lines = ["#!/bin/bash"]
    for option in options { lines.append(try Self.line(option)) }
    lines += [
      "",
      "# Each task is a worker: it takes the cells that nobody has from the store, until none is",
      "# left. The job may be cancelled and submitted again at any time.",
      "cd \(ShellWord.quoted(folder)) || exit 66",
      "# In place of the shell, so that the signal before the time limit reaches the worker.",
      "exec " + command.map(ShellWord.quoted).joined(separator: " "),
    ]
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func line(
    _ option: (name: String, value: String?)
  ) throws(LaunchError) -> String {
    guard let value = option.value else { return "#SBATCH --\(option.name)" }
    guard let word = ShellWord.directive(value) else {
      throw LaunchError(
        "a job script cannot hold '\(value.visible)' as --\(option.name); it may have no control "
          + "characters, no backslash, and only one kind of quotes", .usage)
    }
    return "#SBATCH --\(option.name)=\(word)"
  }
}
