public import Configuration

/// The tasks that a program knows by name.
///
/// A package of a user's own adds its tasks to those of the catalogue:
///
///     let tasks = TaskRegistry().adding(MyTask.self)
///     let task = try tasks.make("my-task", settings: ["length": .integer(64)])
public struct TaskRegistry: Sendable {
  /// The tasks in the order in which they are listed.
  public private(set) var all: [any TaskGenerator.Type]

  /// A registry of the given tasks, whose names must differ.
  public init(_ all: [any TaskGenerator.Type] = TaskCatalog.all) {
    self.all = []
    for type in all { add(type) }
  }

  /// The registry with one task more, whose name must be new.
  public func adding(_ type: any TaskGenerator.Type) -> TaskRegistry {
    var registry = self
    registry.add(type)
    return registry
  }

  /// The names of all tasks, as listed.
  public var names: [String] { all.map { $0.info.name } }

  /// The task of a name.
  ///
  /// - Throws: `SettingError` for an unknown name, with the nearest one that is known.
  public func type(named name: String) throws(SettingError) -> any TaskGenerator.Type {
    if let type = all.first(where: { $0.info.name == name }) { return type }
    let nearest = nearestName(to: name, among: names).map { "did you mean '\($0)'? " } ?? ""
    throw SettingError(
      "task", "unknown task '\(name)'",
      help: nearest + "the tasks are: " + names.joined(separator: ", "))
  }

  /// A task with the given settings over its defaults.
  ///
  /// - Throws: `SettingError` for an unknown name, and for settings that are unknown, ill-typed,
  ///   out of range or impossible together.
  public func make(
    _ name: String, settings: [String: SettingValue] = [:]
  ) throws(SettingError) -> any TaskGenerator {
    try type(named: name).make(settings)
  }

  private mutating func add(_ type: any TaskGenerator.Type) {
    let name = type.info.name
    precondition(!names.contains(name), "two tasks are named '\(name)'")
    all.append(type)
  }
}

extension TaskGenerator {
  /// Makes the task with the given settings over its defaults.
  ///
  /// - Throws: `SettingError` for settings that are unknown, ill-typed, out of range or impossible
  ///   together.
  public static func make(_ given: [String: SettingValue] = [:]) throws(SettingError) -> Self {
    let info = Self.info
    return try Self(
      settings: SettingValues(given, declared: info.settings, of: "task \(info.name)"))
  }
}
