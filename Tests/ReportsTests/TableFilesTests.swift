import Records
import Testing

@testable import Reports

/// The tables in files, byte by byte, and names that would be more than names in them.
@Suite struct TableFilesTests {
  private func report(selection: Selection = .validation) throws -> Report {
    var records: [CellRecord] = []
    for (model, rate, scores) in [
      ("gru", 0.001, [0.5, 0.75]), ("gru", 0.01, [0.25, 0.5]), ("a_b & c", 0.001, [0.125, 0.25]),
      ("a_b & c", 0.01, [0.875, 1]),
    ] {
      for (seed, score) in scores.enumerated() {
        var record = try Samples.record(
          model: model, learningRate: rate, seed: seed, chance: 0.125, validation: score,
          test: [(64, score)], curve: [0.25, score])
        record.task.baselines = [.init(name: "majority", value: 0.25)]
        records.append(record)
      }
    }
    return Report.make(records: records, grid: Samples.grid(records), selection: selection)
  }

  @Test func commaSeparatedValues() throws {
    let lines = try report().csv().split(separator: "\r\n").map(String.init)
    let expected = """
      task,model,part,name,from,to,metric,chance,mean,median,best,lower,upper,scaled,finished,diverged,failed,chosen,candidates,selection,validation,tokenAccuracy,exampleAccuracy,sequenceAccuracy,loss,parameters,stateBytes,flopsPerToken,trainingTokens,windowLowest,windowHighest,windowDecades,windowIsLowerBound,threshold,solved,solvedShare,reached,stepsToThreshold
      recall,oracle,oracle,,,,tokenAccuracy,0.125,1.0,1.0,1.0,,,1.0,,,,,,validation,,,,,,,,,,,,,,,,,,
      recall,majority,baseline,,,,tokenAccuracy,0.125,0.25,0.25,0.25,0.25,0.25,0.14285714285714285,,,,,,validation,,,,,,,,,,,,,,,,,,
      recall,gru,all,,,,tokenAccuracy,0.125,0.625,0.625,0.75,0.5,0.75,0.5714285714285714,2,0,0,learningRate=0.001,2,validation,0.625,0.625,0.625,0.40625,0.75,3200,1024,,,0.001,0.001,0.0,true,0.9,0,0.0,0,
      recall,a_b & c,all,,,,tokenAccuracy,0.125,0.9375,0.9375,1.0,0.875,1.0,0.9285714285714286,2,0,0,learningRate=0.01,2,validation,0.9375,0.9375,0.9375,0.8828125,0.125,3200,1024,,,0.01,0.01,0.0,true,0.9,1,0.5,1,
      """
    #expect(lines.joined(separator: "\n") == expected)
  }

  @Test func latex() throws {
    let text = try report().latex()
    #expect(
      text == #"""
        % sample
        % Needs \usepackage{booktabs}.
        % Letters that pdfLaTeX does not know need LuaLaTeX or XeLaTeX and a font that has them.

        \begin{table}
          \centering
          \caption{sample: mean test score over seeds with half of its 95\% bootstrap interval}
          \label{tab:sample}
          \begin{tabular}{lr}
            \toprule
            model & recall \\
            \midrule
            \textit{chance} & \textit{0.125} \\
            \textit{majority} & \textit{0.250} \\
            \textit{oracle} & \textit{1.000} \\
            \midrule
            gru & 0.625 $\pm$0.125 \\
            a\_b \& c & \textbf{0.938 $\pm$0.063} \\
            \bottomrule
          \end{tabular}
        \end{table}

        \begin{table}
          \centering
          \caption{recall}
          \label{tab:recall}
          \begin{tabular}{lrrrrrrrrrl}
            \toprule
            model & tokenAccuracy & scaled & median & best & validation & seeds & learningRate & parameters & state & eigenvalues \\
            \midrule
            \textit{chance} & \textit{0.125} &  &  &  &  &  &  &  &  &  \\
            \textit{majority} & \textit{0.250} &  &  &  &  &  &  &  &  &  \\
            \textit{oracle} & \textit{1.000} &  &  &  &  &  &  &  &  &  \\
            \midrule
            gru & 0.625 $\pm$0.125 & 0.571 & 0.625 & 0.750 & 0.625 & 2 & 0.001 & 3,200 & 1 KiB & {[}0, 1{]} \\
            a\_b \& c & \textbf{0.938 $\pm$0.063} & 0.929 & 0.938 & 1.000 & 0.938 & 2 & 0.01 & 3,200 & 1 KiB & {[}0, 1{]} \\
            \bottomrule
          \end{tabular}
        \end{table}

        \begin{table}
          \centering
          \caption{recall, Learnability}
          \label{tab:recall-learnability}
          \begin{tabular}{lrrrr}
            \toprule
            model & learning rates within 0.05 & decades & seeds solved & steps to 0.9 \\
            \midrule
            gru & 0.001 & $\geq$ 0.00 & 0 of 2 & -- \\
            a\_b \& c & 0.01 & $\geq$ 0.00 & 1 of 2 & -- \\
            \bottomrule
          \end{tabular}
        \end{table}

        """#)
  }

  // MARK: - Names

  private static let hostile = [
    "\\input{/etc/passwd}", "a & b", "50% of $x_1^2$", "{", "}", "[1ex]", "*", "~", "#1", "a--b",
    "``q''", "<|>", "\"", "new\nline", "\\\\", "^^41", "!`?`", "–±≥", "\u{1B}[31m",
  ]

  /// What is left of LaTeX when all that this program writes as commands is taken out.
  private func remainder(_ text: String) -> String {
    var text = text
    for command in [
      "\\textbackslash{}", "\\textasciicircum{}", "\\textasciitilde{}", "\\textasciigrave{}",
      "\\textless{}", "\\textgreater{}", "\\textbar{}", "\\symbol{34}", "\\textbf{", "\\textit{",
      "\\{", "\\}", "\\$", "\\&", "\\#", "\\%", "\\_", "$\\pm$", "$\\geq$", "$\\leq$",
      "$\\downarrow$", "{[}", "{]}", "{*}", "{}",
    ] {
      text = text.replacing(command, with: "")
    }
    return text
  }

  @Test func namesAreNoCommands() throws {
    for name in Self.hostile {
      let left = remainder(Escaping.latex(name))
      #expect(!left.contains { "\\{}$&#^_~%[]*\"`<>|\n".contains($0) }, "\(name): \(left)")
    }
    #expect(Escaping.latex("a--b") == "a-{}-b")
    #expect(Escaping.latex("\\input{x}") == "\\textbackslash{}input\\{x\\}")
  }

  @Test func rowsKeepTheirColumns() throws {
    let records = try Samples.store(
      tasks: Self.hostile, models: Self.hostile, learningRates: [0.001, 0.003], seeds: 2,
      lengths: [64, 128], points: 3)
    let grid = Samples.grid(records, name: "x\n\\end{document}")
    let report = Report.make(records: records, grid: grid)
    let comparison = try Comparison.make(
      [ComparedStore(name: "%\\\n$", records: records, grid: grid)], by: .model)
    for text in [report.latex(), comparison.latex()] {
      var columns = 0
      for line in text.split(separator: "\n") where !line.hasPrefix("%") {
        if line.hasPrefix("  \\begin{tabular}") {
          columns = line.count { "lr".contains($0) } - "tabular".count { "lr".contains($0) }
        }
        guard line.hasSuffix(" \\\\") else { continue }
        let cells = line.replacing("\\&", with: "").count { $0 == "&" } + 1
        #expect(cells == columns, "\(line)")
      }
      let shown = text.split(separator: "\n").filter { !$0.hasPrefix("%") }.joined()
      #expect(!shown.contains("\\input") && !shown.contains("\\end{document}"))
      let braces = shown.replacing("\\{", with: "").replacing("\\}", with: "")
      #expect(braces.count { $0 == "{" } == braces.count { $0 == "}" })
      #expect(!text.contains("\u{1B}"))
      let environments = text.split(separator: "\\begin{table}").count - 1
      #expect(environments == text.split(separator: "\\end{table}").count - 1)
      let labels = text.split(separator: "\n").filter { $0.hasPrefix("  \\label{") }
      #expect(Set(labels).count == environments)
    }
  }

  @Test func comparisonsAreHarmlessEverywhere() throws {
    let names = ["=cmd()", "</td><script>", "a|b", "\u{1B}[31mred", "\u{202E}x", "a,\"b\""]
    let records = try Samples.store(tasks: names, models: names, seeds: 2, lengths: [64])
    let grid = Samples.grid(records)
    for axis in Comparison.Axis.allCases {
      let comparison = try Comparison.make(
        [
          ComparedStore(name: "<s>", records: records, grid: grid),
          ComparedStore(name: "=s", records: records, grid: grid),
        ], by: axis)
      let text = comparison.terminalText(width: 80, colour: false)
      #expect(!text.contains("\u{1B}") && !text.contains("\u{202E}"))
      #expect(!comparison.markdown().contains("<script>"))
      for line in comparison.csv().split(separator: "\r\n") {
        #expect(!line.contains(",=") && !line.hasPrefix("="))
      }
    }
  }

  // MARK: - Selection on the test set

  /// By validation 0.001 is chosen for the first model; on the test of the first seed 0.01 is best.
  @Test func selectionOnTheTestIsLabelledEverywhere() throws {
    var records: [CellRecord] = []
    for (rate, validation, scores) in [(0.001, 0.9, [0.5, 0.95]), (0.01, 0.8, [0.75, 0.25])] {
      for (seed, score) in scores.enumerated() {
        records.append(
          try Samples.record(
            learningRate: rate, seed: seed, validation: validation, test: [(64, score)]))
      }
    }
    let honest = Report.make(records: records)
    #expect(honest.tasks[0].results[0].score?.values == [0.5, 0.95])
    let report = Report.make(records: records, selection: .testBest)
    let result = report.tasks[0].results[0]
    #expect(result.score?.values == [0.75] && result.seedNumbers == [0])
    #expect(result.chosen.map(\.value) == ["0.01"] && result.learnability == nil)
    #expect(result.score?.lower == nil)
    let warning = "SELECTED ON THE TEST SET"
    #expect(report.terminalTable(width: 80, colour: false).contains(warning))
    #expect(report.markdown().contains(warning))
    let latex = report.latex()
    #expect(
      latex.split(separator: warning).count - 1
        == latex.split(separator: "\\caption").count - 1 + 1)
    #expect(
      report.csv().split(separator: "\r\n").dropFirst().allSatisfy { $0.contains("test-best") })
    #expect(String(decoding: report.json(), as: UTF8.self).contains("\"selection\": \"test-best\""))
    #expect(report.name.contains("selected on the test set"))
    let figures = report.figures()
    #expect(!figures.isEmpty)
    for figure in figures {
      let labelled = Selection.testBest.labelled(figure.svg)
      #expect(
        labelled.contains("test-best: selected on the test set") && labelled.hasSuffix("</svg>\n"))
      #expect(Selection.validation.labelled(figure.svg) == figure.svg)
    }
    let comparison = try Comparison.make(
      [ComparedStore(name: "s", records: records)], by: .model, selection: .testBest)
    #expect(comparison.terminalText(width: 80, colour: false).contains(warning))
    #expect(comparison.markdown().contains(warning) && comparison.latex().contains(warning))
    #expect(comparison.csv().contains("test-best"))
    for text in [honest.markdown(), honest.latex(), honest.csv()] {
      #expect(!text.contains("test-best") && !text.contains(warning))
    }
  }

  @Test func ofAMetricOfWhichLessIsBetterTheLeastIsBest() throws {
    var records: [CellRecord] = []
    for (rate, value) in [(0.001, 0.3), (0.01, 0.1)] {
      var record = try Samples.record(learningRate: rate, test: [(64, 0.5)])
      record.task.metric = "totalVariation"
      record.testOverall?.totalVariation = value
      records.append(record)
    }
    let report = Report.make(records: records, selection: .testBest)
    #expect(report.tasks[0].results[0].score?.mean == 0.1)
  }

  // MARK: - Times

  @Test func timesHaveAFileOfTheirOwn() throws {
    let record = try Samples.record(model: "=a")
    let timing = CellTiming(
      key: record.key, wallSeconds: 12.5, trainSeconds: 1, evaluateSeconds: 1,
      tokensPerSecond: 54321, stepsPerSecond: 1, host: "", cpu: "", cpuLevel: "", device: "",
      jobs: 1, startedAt: "", program: "")
    let report = Report.make(records: [record], timings: [record.key: timing])
    #expect(
      report.timingsCSV() == """
        task,model,seeds,tokensPerSecond,wallSeconds\r
        recall,'=a,1,54321.0,12.5\r

        """)
    #expect(Report.make(records: [record]).timingsCSV() == nil)
  }
}
