import Configuration
public import TaskGenerators

extension Registries {
  /// A task with settings as they are written on a command line.
  ///
  /// - Parameters:
  ///   - name: The task's name.
  ///   - assignments: `key=value`, the value as in a grid file.
  /// - Returns: The task.
  /// - Throws: `SettingError` or `GridError` for whatever is not understood.
  public func task(_ name: String, assignments: [String]) throws -> any TaskGenerator {
    let type = try tasks.type(named: name)
    var given: [String: SettingValue] = [:]
    for assignment in assignments {
      let (key, text) = try GridOptions.pair(assignment, option: "--set", example: "length=64")
      let position = SourcePosition("--set \(key.shortened)")
      guard let setting = type.info.settings.first(where: { $0.name == key }) else {
        throw SettingValues.unknown(key, among: type.info.settings.map(\.name), of: "task \(name)")
      }
      let node = try YAMLReader(source: position.source, hasLines: false).read(text)
      let value = try (node ?? ConfigNode(.empty, at: position))
        .settingValue(key, setting.kind.expectation)
      guard given.updateValue(value, forKey: key) == nil else {
        throw GridError(position, "'\(key)' is set twice", help: "give it once", status: .usage)
      }
    }
    return try tasks.make(name, settings: given)
  }
}
