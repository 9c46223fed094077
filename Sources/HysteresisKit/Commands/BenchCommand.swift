import ArgumentParser
import Configuration
import Harness

/// Speed, measured.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure the speed of kernels, training steps and tasks.",
    discussion: """
      Measure on a machine that does nothing else; 'hysteresis help bench ops' and so on say what \
      is measured.

      EXAMPLES:
        hysteresis bench train
        hysteresis bench ops --device cuda:0 --format json
      """,
    subcommands: [BenchOps.self, BenchProducts.self, BenchTrain.self, BenchTasks.self])
}

/// The operations against the machine's ceiling.
struct BenchOps: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ops",
    abstract: "Each operation's time, its GFLOP/s and GB/s, and their parts of the ceilings.",
    discussion: """
      An operation is checked against its reference first; a wrong one is not measured.

      EXAMPLES:
        hysteresis bench ops
        hysteresis bench ops --op attention --format json
        hysteresis bench ops --device cuda:0
      """)

  @Option(help: "One operation; all otherwise.", completion: Completions.operations)
  var op: String?
  @Option(help: "Seconds for each measurement.")
  var seconds = 0.2
  @OptionGroup var device: DeviceArguments
  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text

  private struct Answer: Encodable {
    let device: String
    let peakGigaflops: Double
    let memoryGigabytesPerSecond: Double
    let timings: [OpTiming]
  }

  func run() throws {
    let names = OpBench.operations
    if let op, !names.contains(op) {
      let nearest = nearestName(to: op, among: names).map { "did you mean '\($0)'? " } ?? ""
      throw CommandFailure(
        "unknown operation '\(op)'; \(nearest)there are: " + names.joined(separator: ", "),
        status: ExitStatus.data)
    }
    let bench = try OpBench(try device.open())
    let chosen = op.map { [$0] } ?? names
    for name in chosen {
      if let fault = bench.faults(of: name).first {
        throw CommandFailure("\(name) is wrong: \(fault)", status: ExitStatus.failure)
      }
    }
    if format == .text {
      let peak = FixedPoint.text(bench.peak / 1e9, digits: 0)
      let bandwidth = FixedPoint.text(bench.bandwidth / 1e9, digits: 0)
      Console.output("\(bench.device), peak \(peak) GFLOP/s, memory \(bandwidth) GB/s")
      Console.output(BenchText.heading)
    }
    var timings: [OpTiming] = []
    for name in chosen {
      let measured = bench.measure(name, seconds: seconds)
      if let failure = bench.failure {
        throw CommandFailure("\(name): \(failure)", status: ExitStatus.failure)
      }
      if format == .text { for timing in measured { Console.output(BenchText.line(timing)) } }
      timings += measured
    }
    if format == .json {
      Console.json(
        Answer(
          device: bench.device, peakGigaflops: bench.peak / 1e9,
          memoryGigabytesPerSecond: bench.bandwidth / 1e9, timings: timings))
    }
  }
}

/// Matrix products against a BLAS library.
struct BenchProducts: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "products",
    abstract: "Matrix products of training's shapes, beside a BLAS library.",
    discussion: """
      The library is loaded where it is found and takes turns with ours; its absence is normal.

      EXAMPLES:
        hysteresis bench products --blas libopenblas.so.0
      """)

  @Option(help: "File names or paths to try for a library with cblas_sgemm.")
  var blas = ["libopenblas.so.0", "libopenblas.so", "libblas.so.3"]
  @Option(help: "Seconds for each shape.")
  var seconds = 0.3
  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text

  private struct Answer: Encodable {
    let peakGigaflops: Double
    let timings: [ProductTiming]
    let geometricMeanOfRatios: Double?
  }

  func run() throws {
    let peak = try OpBench().peak
    let bench = try ProductBench(peak: peak, blas: blas)
    let timings = ProductBench.shapes.map {
      bench.measure($0.m, $0.n, $0.k, $0.layout, seconds: seconds)
    }
    let mean = ProductBench.geometricMean(timings.compactMap(\.ratio))
    if format == .json {
      return Console.json(
        Answer(
          peakGigaflops: peak / 1e9, timings: timings, geometricMeanOfRatios: mean))
    }
    Console.output("peak \(FixedPoint.text(peak / 1e9, digits: 0)) GFLOP/s")
    Console.output("     m     n     k      GFLOP/s  of peak   BLAS  ratio")
    for timing in timings { Console.output(BenchText.line(timing)) }
    if let mean {
      Console.output("geometric mean of the ratios: \(FixedPoint.text(mean, digits: 2))")
    } else {
      Console.talk("no BLAS library was found; tried " + blas.joined(separator: ", "))
    }
  }
}

/// Whole training steps.
struct BenchTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Milliseconds per training step and tokens per second.",
    discussion: """
      Two layers of a mixer with layer norms and a tied head on multi-query recall; attention has \
      learned positions. On a GPU, "kernels" counts those of a step and "floor" is the least time \
      they can take: each moves its tensors once at the memory's measured bandwidth, or makes its \
      products at the measured rate of a large one.

      EXAMPLES:
        hysteresis bench train
        hysteresis bench train --architecture lstm --vocabulary 256 --length 64 --batch 64
        hysteresis bench train --device cuda:0 --width 128 --length 256 --batch 256
      """)

  @Option(
    help: "An architecture; may be repeated; all otherwise.", completion: Completions.architectures)
  var architecture: [String] = []
  @Option(help: "Number of token ids.")
  var vocabulary = 256
  @Option(help: "Tokens of an example.")
  var length = 64
  @Option(help: "Pairs of an example; an eighth of the length otherwise.")
  var pairs: Int?
  @Option(help: "Examples of a batch.")
  var batch = 64
  @Option(help: "Model width.")
  var width = 64
  @Option(help: "Seconds for each row.")
  var seconds = 2.0
  @OptionGroup var device: DeviceArguments
  @Option(help: "How to print: text or json.")
  var format: OutputFormat = .text

  func run() throws {
    let registries = Hysteresis.registries
    let names = architecture.isEmpty ? registries.mixers.all.map { $0.info.name } : architecture
    for name in names { _ = try registries.mixers.type(named: name) }
    let bench = try TrainBench(registries, devices: try device.open())
    var timings: [TrainTiming] = []
    if format == .text { Console.output(BenchText.trainHeading) }
    for name in names {
      let row = TrainBenchRow(
        architecture: name, vocabulary: vocabulary, length: length, pairs: pairs ?? length / 8,
        batch: batch, width: width)
      let timing = try bench.measure(row, seconds: seconds)
      if format == .text { Console.output(BenchText.line(timing)) }
      timings.append(timing)
    }
    if format == .json { Console.json(timings) }
  }
}
