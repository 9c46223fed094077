public import Architectures
import ArgumentParser
import Configuration
import Harness
import Platform
import Records
public import TaskGenerators

/// The program, for the suite's own executable and for packages that bring more mixers or tasks.
///
///     @main struct MyBenchmarks {
///       static func main() { Hysteresis.main(mixers: [MyMixer.self]) }
///     }
public enum Hysteresis {
  /// Everything that the program knows by name; bound for the duration of a command.
  @TaskLocal static var registries = Registries()

  /// Runs the command line and ends the process with its exit status.
  ///
  /// - Parameters:
  ///   - mixers: Sequence mixers beside the suite's own.
  ///   - tasks: Tasks beside the suite's own.
  public static func main(
    mixers: [any SequenceMixer.Type] = [], tasks: [any TaskGenerator.Type] = []
  ) -> Never {
    StandardStream.openMissing()
    var known = Registries()
    for mixer in mixers { known.mixers.add(mixer) }
    for task in tasks { known.tasks = known.tasks.adding(task) }
    let arguments = Array(CommandLine.arguments.dropFirst())
    var status = $registries.withValue(known) { run(arguments) }
    if status == ExitStatus.success, let lost = StandardStream.lostOutput {
      Console.error(lost.description)
      status = ExitStatus.cannotCreate
    }
    Process.exit(status)
  }

  /// Runs one command; returns its exit status (sysexits.h).
  static func run(_ arguments: [String]) -> Int32 {
    if let unknown = unknownCommand(arguments) {
      Console.error(unknown)
      return ExitStatus.usage
    }
    do {
      var command = try RootCommand.parseAsRoot(arguments)
      try command.run()
      return ExitStatus.success
    } catch let failure as CommandFailure {
      if !failure.message.isEmpty { Console.error(failure.message) }
      return failure.status
    } catch let error as SettingError {
      Console.error(error.description)
      return ExitStatus.data
    } catch let error as GridError {
      Console.error(error.description)
      return error.status.rawValue
    } catch let error as StoreError {
      Console.error(error.description)
      return ExitStatus.of(error)
    } catch {
      return report(error, of: arguments)
    }
  }

  /// Prints what the argument parser has to say: help on standard output, and errors as one line
  /// on the other, because the usage that the parser would add hides what is wrong.
  private static func report(_ error: any Error, of arguments: [String]) -> Int32 {
    let status = RootCommand.exitCode(for: error)
    if status.isSuccess {
      Console.output(RootCommand.fullMessage(for: error))
      return ExitStatus.success
    }
    var message = RootCommand.message(for: error).replacing("\n", with: " ")
    if status == .validationFailure {
      let command = arguments.first.map { RootCommand.commandNames.contains($0) ? $0 + " " : "" }
      message = message.prefix(1).lowercased() + message.dropFirst()
      message += " (see 'hysteresis \(command ?? "")--help')"
    }
    Console.error(message)
    return status.rawValue
  }

  /// The parser has no suggestion for a misspelt command, so the first word is looked at here.
  private static func unknownCommand(_ arguments: [String]) -> String? {
    guard let word = arguments.first, !word.hasPrefix("-"), word != "help" else { return nil }
    let names = RootCommand.commandNames
    guard !names.contains(word) else { return nil }
    let nearest = nearestName(to: word, among: names).map { "did you mean '\($0)'? " } ?? ""
    return "unknown command '\(word)'; \(nearest)there are: " + names.joined(separator: ", ")
  }
}

/// Exit statuses, as in sysexits.h; documented in the README and in `--help`.
enum ExitStatus {
  static let success: Int32 = 0
  /// Some cells failed, or a check did not pass.
  static let failure: Int32 = 1
  static let usage: Int32 = 64
  /// A grid, a setting or a record is wrong.
  static let data: Int32 = 65
  /// An input file is missing.
  static let noInput: Int32 = 66
  static let unavailable: Int32 = 69
  static let cannotCreate: Int32 = 73
  /// A file could not be read or written, as on a full disk.
  static let inputOutput: Int32 = 74
  /// Something is left that other processes are at: the same again later.
  static let temporary: Int32 = 75
}

extension ExitStatus {
  /// The status of a command that cannot use a store.
  static func of(_ error: StoreError) -> Int32 {
    error.kind == .system ? inputOutput : data
  }
}

/// A command that ends with a message and a status.
struct CommandFailure: Error {
  let message: String
  let status: Int32

  init(_ message: String, status: Int32) {
    self.message = message
    self.status = status
  }
}
