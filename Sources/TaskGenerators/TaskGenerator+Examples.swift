package import Configuration
public import Randomness

extension TaskGenerator {
  /// One example, a pure function of the task's settings and the arguments.
  public func example(split: Split, seed: UInt64, index: UInt64) -> Example {
    var example = Example()
    write(split: split, seed: seed, index: index, into: &example)
    return example
  }

  /// Overwrites an example with the one that the arguments name.
  public func write(split: Split, seed: UInt64, index: UInt64, into example: inout Example) {
    var random = source(split: split, seed: seed, index: index)
    write(using: &random, split: split, into: &example)
  }

  public func write(
    using random: inout RandomSource, split: Split, into example: inout Example
  ) {
    write(using: &random, into: &example)
  }

  /// The random stream of one example.
  ///
  /// Its name holds the task, its version, all its settings, the seed, the split and the index,
  /// so that no two examples share random bits unless they are the same example. Above all, no
  /// seed makes training and test data meet.
  public func source(split: Split, seed: UInt64, index: UInt64) -> RandomSource {
    RandomSource(seed: seed).split(Self.streamLabel(of: settings)).split(split.label).split(index)
  }

  /// The hash of the task's name, version and settings that enters the name of its streams.
  package static func streamLabel(of settings: SettingValues) -> UInt64 {
    let info = Self.info
    var hash = StableHash()
    hash.combine(info.name)
    hash.combine(UInt64(info.version))
    hash.combine(settings)
    return hash.value
  }
}

extension Split {
  /// The split's part of a stream's name.
  fileprivate var label: UInt64 {
    switch self {
    case .train: 0
    case .validation: 1
    case .test: 2
    }
  }
}
