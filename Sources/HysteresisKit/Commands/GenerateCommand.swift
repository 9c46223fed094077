import ArgumentParser
import DataSets
import Harness
import Platform
import TaskGenerators
import TensorFiles

/// A data set for other frameworks.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Write examples of a task for another framework.",
    discussion: """
      The examples are those that 'run' trains on and 'show' draws. The bytes depend on everything \
      but the number of jobs. A file is there wholly or not at all.

      FORMATS:
        jsonl        a line for each example:
                     {"tokens":[…],"targets":[…],"slices":{…},"questionStart":n}
                     a target stands at the position whose output is scored, null
                     elsewhere; questionStart is 0 where there is no context part
        safetensors  with N examples of at most L tokens: tokens [N, L] (filled up
                     with 0), targets [N, L] (-100, which PyTorch's losses ignore,
                     where nothing is scored), lengths [N], questionStart [N] and
                     slices.NAME [N], all int32; the metadata say what they are
        text         {"prompt":"…","answers":["…"]}, for language models; only for
                     tasks that have such a form

      Where several tokens may be right, 'choices' has them: as lists in jsonl, and as int64 [N, L] \
      in safetensors, in which bit i stands for token i.

      With --grid the data are those of a task of a grid, with the grid's numbers of examples: all \
      segments of the split one after the other (--segment chooses one), which is how 'score' counts \
      them. A training set without a number is a stream; --examples says how much of it.

      EXAMPLES:
        hysteresis generate mqar --set pairs=8 --examples 1000 --out train.jsonl
        hysteresis generate parity --split test --examples 500 | head -1
        hysteresis generate mqar -e 100000 --format safetensors --out t.safetensors
        hysteresis generate --grid g.yaml --task recall --split test -o test.jsonl
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case jsonl, safetensors, text }

  @OptionGroup var chosen: DataArguments
  @Option(
    name: .shortAndLong, help: "The number of examples; with --grid, of each segment.")
  var examples: Int?
  @Option(help: "The number of the first example in its stream.")
  var first: UInt64 = 0
  @Option(help: "How to write: jsonl, safetensors or text.")
  var format: Format = .jsonl
  @Option(
    name: [.customShort("o"), .long], help: "The file; standard output otherwise.",
    completion: .file())
  var out: String?
  @Option(name: .shortAndLong, help: "Threads; the number of cores otherwise.")
  var jobs: Int?

  func validate() throws {
    if let examples, examples < 1 { throw ValidationError("--examples must be at least 1.") }
    if examples == nil, chosen.grid == nil {
      throw ValidationError("Missing expected argument '--examples <examples>'")
    }
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
    if UInt64(examples ?? 1) > .max - first { throw ValidationError("--first is too large.") }
    if let out, out.isEmpty { throw ValidationError("--out is empty.") }
    if format == .safetensors, out == nil, Terminal(.output).isInteractive {
      throw ValidationError("A terminal shows no safetensors; give --out or redirect.")
    }
  }

  func run() throws {
    let segments = try chosen.segments()
    for segment in segments where format == .text && !segment.hasPrompts {
      throw chosen.noPrompts(segment)
    }
    if format == .safetensors, segments.count > 1 {
      throw CommandFailure(
        "safetensors hold one segment, the split has \(segments.count); choose one with --segment",
        status: ExitStatus.usage)
    }
    // Without a file there is nothing to clean up: signals do what they do to every filter.
    if out != nil { Interrupts.install() }
    let writers = try segments.map { segment in
      DataSetWriter(try selection(segment), jobs: jobs ?? Machine.cores) { Interrupts.isRequested }
    }
    guard try isWritten(by: writers) else {
      throw CommandFailure("interrupted; nothing was written", status: Interrupts.exitStatus)
    }
  }

  private func selection(_ segment: DataArguments.Segment) throws -> ExampleSelection {
    guard let count = examples ?? segment.examples else {
      throw CommandFailure(
        "the training set is a stream; --examples says how much of it to write",
        status: ExitStatus.usage)
    }
    if let most = segment.examples, first > most || UInt64(count) > UInt64(most) - first {
      throw CommandFailure(
        "--examples \(count) from \(first) on: the grid's set has only \(most)",
        status: ExitStatus.usage)
    }
    return ExampleSelection(
      task: segment.task, split: chosen.split.split, seed: chosen.seed, first: first, count: count)
  }

  /// Writes; false where it was interrupted.
  private func isWritten(by writers: [DataSetWriter]) throws -> Bool {
    do {
      return try write(writers)
    } catch let error as FileError {
      // A reader that has seen enough, as `head`, is no failure.
      if error.isBrokenPipe, out == nil { return true }
      throw CommandFailure(error.description, status: ExitStatus.cannotCreate)
    } catch let problem as TensorLayoutProblem {
      throw CommandFailure(problem.description, status: ExitStatus.data)
    }
  }

  private func write(_ writers: [DataSetWriter]) throws -> Bool {
    let destination = out.map { DataSetWriter.Destination.file($0) } ?? .standardOutput
    switch format {
    case .jsonl: return try DataSetWriter.writeLines(.examples, of: writers, to: destination)
    case .text: return try DataSetWriter.writeLines(.prompts, of: writers, to: destination)
    case .safetensors:
      let writer = writers[0]
      let layout = try writer.tensorLayout(program: ProgramVersion.text)
      return try writer.writeTensors(layout, to: destination)
    }
  }
}
