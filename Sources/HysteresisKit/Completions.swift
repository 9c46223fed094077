import ArgumentParser
import Harness

/// What shells complete: names that the program knows, its packages' own among them.
enum Completions {
  static var tasks: CompletionKind {
    .custom { _, _, _ in Hysteresis.registries.tasks.all.map { $0.info.name } }
  }

  static var architectures: CompletionKind {
    .custom { _, _, _ in Hysteresis.registries.mixers.all.map { $0.info.name } }
  }

  /// The names that `list` takes behind one of its kinds.
  static var listed: CompletionKind {
    .custom { words, _, _ in
      let registries = Hysteresis.registries
      if words.contains("tasks") { return registries.tasks.all.map { $0.info.name } }
      if words.contains("architectures") { return registries.mixers.all.map { $0.info.name } }
      return ((try? GridListing.all(in: "tasks")) ?? []).map(\.name)
    }
  }

  static var operations: CompletionKind { .custom { _, _, _ in OpBench.operations } }

  static var grids: CompletionKind { .file(extensions: ["yaml", "yml"]) }

  static var devices: CompletionKind { .list(["auto", "cpu", "cuda", "cuda:0", "cuda:all"]) }

  static var levels: CompletionKind { .custom { _, _, _ in ComputeDevices.cpuLevels } }
}
