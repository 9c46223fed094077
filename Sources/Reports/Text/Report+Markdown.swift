import Configuration
import Records

extension Report {
  /// The report in Markdown, with the figures embedded by their files' names.
  public func markdown() -> String { markdown(figures: figures()) }

  func markdown(figures: [Figure]) -> String {
    var parts = ["# \(Escaping.markdown(name))\n"]
    if !description.isEmpty { parts.append(Escaping.markdown(description) + "\n") }
    if let warning = selection.warning { parts.append("**\(Escaping.markdown(warning))**\n") }
    if tasks.isEmpty {
      parts.append("There are no results.\n")
    } else {
      parts.append(overview(throughput: false).markdown())
      parts.append(explanation)
      if !remarks.isEmpty { parts.append(remarks.joined(separator: " ") + "\n") }
      parts += figures.map { "![\(Escaping.markdown($0.caption))](\($0.file))\n" }
      parts += tasks.flatMap(sections)
    }
    parts += [gapSection, unfinishedSection].compactMap(\.self)
    return parts.joined(separator: "\n")
  }

  private var explanation: String {
    let choice =
      switch selection {
      case .validation: "Tuned settings and the step are chosen on validation."
      case .testBest: "Tuned settings are chosen on the test set, of one seed."
      }
    return """
      Mean test score over seeds ± half of the 95% bootstrap interval of the mean. \(choice) A diverged seed counts as a guess (the chance line). \
      Bold: the seeds support that no other model is as good (its interval lies above all others).

      """
  }

  private static let learnability = """
    Learnability: the learning rates around the best one whose mean validation score over seeds \
    stays within 0.05 of its (≥: the window touches the end of the rates that were tried; –: a \
    single rate, or no better than a guess), the seeds whose test score solves the task (0.9, or \
    0.1 of a distance), and the median of the first validated step that does.
    """

  /// The models that other programs trained.
  var external: [String] {
    models.filter { model in
      tasks.contains { $0.results.contains { $0.model == model && $0.isExternal == true } }
    }
  }

  /// What only some reports must explain.
  private var remarks: [String] {
    var remarks: [String] = []
    if tasks.contains(where: { Metric(rawValue: $0.metric)?.isHigherBetter == false }) {
      remarks.append(
        "↓: less is better, and an interval supports a model where it lies below all others.")
    }
    remarks.append(
      "Rows in italics are no models: chance is a guess, oracle the task's exact solver"
        + (tasks.contains { $0.baselineParts != nil }
          ? ", the others are solvers without learning, measured on the first test examples."
          : "."))
    if tasks.contains(where: { $0.reaches != nil }) {
      remarks.append("A length that a score reaches is that of the mean over seeds.")
    }
    if !external.isEmpty {
      remarks.append(
        "Trained elsewhere, known by predictions alone: "
          + external.map(Escaping.markdown).joined(separator: ", ") + ".")
    }
    if !publishedSources.isEmpty {
      let sources = publishedSources.map(Escaping.markdown).joined(separator: "; ")
      remarks.append(
        "Hollow markers in the plot of score against state are published points: \(sources).")
    }
    if !scoreSources.isEmpty {
      let sources = scoreSources.map(Escaping.markdown).joined(separator: "; ")
      remarks.append("In brackets, beside ours, stand published scores: \(sources).")
    }
    if tasks.contains(where: { $0.results.contains { $0.learnability != nil } }) {
      remarks.append(Self.learnability)
    }
    return remarks
  }

  private func sections(_ task: TaskReport) -> [String] {
    ["## \(Escaping.markdown(task.name))\n"]
      + task.sections.flatMap { section in
        let heading = section.heading.map { "### \(Escaping.markdown($0))\n" }
        return [heading, section.table.markdown()].compactMap(\.self)
      }
  }

  private var gapSection: String? {
    if gaps.isEmpty { return nil }
    var table = TextTable([.init("task", .left), .init("model", .left), .init("cells")])
    for gap in gaps { table.add([.init(gap.task), .init(gap.model), .init(String(gap.missing))]) }
    return "## Missing\n\n" + table.markdown()
  }

  private var unfinishedSection: String? {
    if unfinished.isEmpty { return nil }
    var table = TextTable([
      .init("cell", .left), .init("task", .left), .init("model", .left), .init("setting", .left),
      .init("seed"), .init("status", .left), .init("reason", .left),
    ])
    for cell in unfinished {
      let setting = cell.tuned.map { "\($0.name)=\(NumberText.setting($0.value))" }
      table.add([
        .init(cell.key), .init(cell.task), .init(cell.model),
        .init(setting.joined(separator: " ")), .init(String(cell.seed)),
        .init(cell.status.rawValue), .init(cell.reason),
      ])
    }
    return "## Diverged and failed cells\n\n" + table.markdown()
  }
}
