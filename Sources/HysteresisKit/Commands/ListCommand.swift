import Architectures
import ArgumentParser
import Configuration
import Harness
import Platform
import Records
import TaskGenerators

/// Names, settings and one-line descriptions.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tasks, architectures or grids.",
    discussion: """
      A grid that is wrong gets a line on standard error, or an 'error' with '--format json'; the \
      others are listed all the same, and the exit status is 65.

      EXAMPLES:
        hysteresis list tasks
        hysteresis list tasks mqar
        hysteresis list architectures --format json
        hysteresis list grids --folder tasks
      """)

  enum Kind: String, ExpressibleByArgument, CaseIterable { case tasks, architectures, grids }

  @Argument(help: "What to list: tasks, architectures or grids.")
  var kind: Kind
  @Argument(
    help: "One name, for everything that is known about it.", completion: Completions.listed)
  var name: String?
  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text
  @Option(help: "The folder of the grids.", completion: .directory)
  var folder = "tasks"

  func run() throws {
    switch kind {
    case .tasks:
      var listings = Hysteresis.registries.tasks.all.map { TaskListing($0) }
      if let name {
        let found = try Hysteresis.registries.tasks.type(named: name)
        listings = [TaskListing(found)]
      }
      print(listings, detailed: name != nil)
    case .architectures:
      var listings = Hysteresis.registries.mixers.all.map { MixerListing($0.info) }
      if let name {
        let found = try Hysteresis.registries.mixers.type(named: name)
        listings = [MixerListing(found.info)]
      }
      print(listings, detailed: name != nil)
    case .grids:
      try printGrids()
    }
  }

  private func printGrids() throws {
    let found = try GridListing.all(in: folder, name: name)
    if format == .json {
      Console.json(found)
    } else {
      print(found.filter { $0.error == nil }, detailed: name != nil)
      for error in found.compactMap(\.error) { Console.error(error) }
    }
    guard found.allSatisfy({ $0.error == nil }) else {
      throw CommandFailure("", status: ExitStatus.data)
    }
  }

  private func print(_ listings: [some Listing], detailed: Bool) {
    if format == .json { return Console.json(listings) }
    if detailed { return listings.forEach { Console.output($0.details) } }
    let width = listings.map(\.name.count).max() ?? 0
    for listing in listings {
      let padding = String(repeating: " ", count: width - listing.name.count)
      Console.output(listing.name + padding + "  " + listing.summary)
    }
  }
}

/// Something that `list` prints.
protocol Listing: Encodable {
  var name: String { get }
  var summary: String { get }
  var details: String { get }
}

/// A setting as `list` prints it.
struct SettingListing: Encodable {
  let name: String
  let type: String
  let defaultValue: SettingValue
  let range: String
  let meaning: String

  enum CodingKeys: String, CodingKey { case name, type, defaultValue = "default", range, meaning }

  init(_ setting: Setting) {
    name = setting.name
    type = setting.kind.name
    defaultValue = setting.defaultValue
    range = setting.kind.expectation
    meaning = setting.meaning
  }

  var line: String { "  \(name) = \(defaultValue)  (\(range))\n      \(meaning)" }
}

struct MixerListing: Listing {
  let name: String
  let summary: String
  let recurrence: String
  let paper: String
  let version: Int
  /// With the default settings.
  let eigenvalues: String
  let stateTracking: StateTracking
  let settings: [SettingListing]

  init(_ info: MixerInfo) {
    name = info.name
    summary = info.summary
    recurrence = info.recurrence
    paper = info.paper
    version = info.version
    settings = info.settings.map(SettingListing.init)
    let defaults = try? SettingValues([:], declared: info.settings, of: info.name)
    eigenvalues = defaults.map(info.eigenvalues) ?? ""
    stateTracking = defaults.map(info.stateTracking) ?? .none
  }

  var details: String {
    """
    \(name): \(summary)
    \(recurrence)
    paper: \(paper)
    eigenvalues of the transition: \(eigenvalues)   version: \(version)
    one layer can represent (theory, default settings): parity \(mark(stateTracking.parity)), \
    counting modulo 3 \(mark(stateTracking.modulo3)), word problem of S5 \(mark(stateTracking.s5))
    settings:
    \(settings.map(\.line).joined(separator: "\n"))
    """
  }

  private func mark(_ value: Bool) -> String { value ? "yes" : "no" }
}
