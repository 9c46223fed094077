import ArgumentParser
import DataSets
import Harness
import Platform

/// What a trained model says.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Run a trained model on given tokens.",
    discussion: """
      The model is a file that 'run --checkpoints' wrote. Each line of the input is a sequence: \
      {"tokens":[…]}, a list of tokens, or a line of 'generate', whose targets say where the model \
      is asked. The answer is a line for each, in order:

        {"index":0,"predictions":[…]}

      with the most probable token at every position, or null where there is no target. The answers \
      to the test examples are those that the record's scores were computed from, and 'score' reads \
      them. Input of any size is answered in constant memory.

        --top K    adds "top": at each position a list of [token, log-probability]
        --logits   adds "logits": at each position a number for every token

      EXAMPLES:
        hysteresis run tasks/quick.yaml --only model=lstm --checkpoints
        hysteresis predict results/quick/models/KEY.safetensors --describe
        hysteresis generate --grid tasks/quick.yaml --task parity --split test -o t
        hysteresis predict KEY.safetensors --tokens t --out p.jsonl
        echo '[0, 1, 1]' | hysteresis predict KEY.safetensors --tokens - --top 2
      """)

  @Argument(help: "The model's file.", completion: .file(extensions: ["safetensors"]))
  var checkpoint: String
  @Option(help: "The sequences, a line of JSON for each; - for standard input.")
  var tokens: String?
  @Flag(help: "Say what the file holds instead: the cell, its configuration, every tensor.")
  var describe = false
  @Flag(help: "Add the logits.")
  var logits = false
  @Option(help: "Add the K most probable tokens.")
  var top: Int?
  @Option(help: "Lines that are read before they are answered; 1 to answer each at once.")
  var batch = PredictionStream.Options.usualBatch
  @Option(
    help: "Take sequences of up to this many tokens, where the model can; else those of its data.")
  var longest: Int?
  @Option(name: [.customShort("o"), .long], help: "The file; standard output otherwise.")
  var out: String?
  @OptionGroup var device: DeviceArguments
  @Flag(name: .shortAndLong, help: "Do not say how many targets were met.")
  var quiet = false

  func validate() throws {
    if describe == (tokens != nil) { throw ValidationError("Give either --tokens or --describe.") }
    if let top, top < 1 { throw ValidationError("--top must be at least 1.") }
    if batch < 1 { throw ValidationError("--batch must be at least 1.") }
    if let longest, !(1...1 << 24).contains(longest) {
      throw ValidationError("--longest must be from 1 to \(1 << 24).")
    }
    if let out, out.isEmpty { throw ValidationError("--out is empty.") }
  }

  func run() throws {
    do {
      let file = try ModelFile(checkpoint)
      guard let tokens else { return Console.json(file.description) }
      try predict(file, tokens)
    } catch let error as ModelFileError {
      throw CommandFailure(
        error.description, status: error.isMissing ? ExitStatus.noInput : ExitStatus.data)
    } catch let error as LineError {
      throw CommandFailure(error.description, status: ExitStatus.data)
    } catch let error as FileError {
      // A reader that has seen enough, as `head`, is no failure.
      if error.isBrokenPipe, out == nil { return }
      let isInput = error.action == .read
      throw CommandFailure(
        error.description, status: isInput ? ExitStatus.noInput : ExitStatus.cannotCreate)
    }
  }

  private func predict(_ file: ModelFile, _ tokens: String) throws {
    // A file that is not there is found before the model is built.
    var lines = try InputLines(tokens)
    let model = try TrainedModel(
      file, path: checkpoint, registries: Hysteresis.registries, devices: try device.open(),
      longest: longest)
    let stream = PredictionStream(
      model, PredictionStream.Options(logits: logits, top: top ?? 0, batch: batch))
    let output = try Output(out.map { .file($0) } ?? .standardOutput)
    Interrupts.install()
    let summary = try stream.run(&lines, isCancelled: { Interrupts.isRequested }) { bytes in
      try output.append(bytes)
    }
    if Interrupts.isRequested {
      throw CommandFailure("interrupted", status: Interrupts.exitStatus)
    }
    try output.complete()
    guard !quiet, summary.targets > 0 else { return }
    let share = FixedPoint.text(Double(summary.right) / Double(summary.targets), digits: 4)
    Console.talk(
      "\(summary.right) of \(summary.targets) targets in \(summary.lines) lines are right (\(share))"
    )
  }
}
