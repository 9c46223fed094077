public import Configuration
public import TaskGenerators

/// What a grid may ask for: the tasks and mixers of a program, and what only they can check.
///
/// It keeps the reader of grids apart from the engine, so that `validate` and the tests need
/// neither tensors nor devices.
public struct GridCatalog: Sendable {
  /// A task or a mixer by its name and the declarations of its settings.
  public struct Entry: Sendable {
    public var name: String
    public var settings: [Setting]

    public init(_ name: String, _ settings: [Setting]) {
      self.name = name
      self.settings = settings
    }
  }

  /// Checks the complete settings of the named task together.
  public typealias TaskCheck =
    @Sendable (_ name: String, _ settings: [String: SettingValue]) throws(SettingError) -> Void
  /// Checks a complete model for a task: heads against the width, positions against the mixers.
  public typealias ModelCheck =
    @Sendable (ModelConfiguration, TaskConfiguration) throws(SettingError) -> Void
  /// What a model costs on a task.
  ///
  /// It must answer for every width that is a multiple of the mixers' `heads`, and grow with it.
  public typealias Cost =
    @Sendable (MatchTarget.Quantity, ModelConfiguration, TaskConfiguration) throws(SettingError)
    -> Int

  public var tasks: [Entry]
  public var mixers: [Entry]
  public var checkTask: TaskCheck
  public var checkModel: ModelCheck
  public var cost: Cost

  public init(
    tasks: [Entry], mixers: [Entry], checkTask: @escaping TaskCheck,
    checkModel: @escaping ModelCheck, cost: @escaping Cost
  ) {
    self.tasks = tasks
    self.mixers = mixers
    self.checkTask = checkTask
    self.checkModel = checkModel
    self.cost = cost
  }

  /// A catalogue with the tasks of a registry.
  public init(
    tasks registry: TaskRegistry, mixers: [Entry], checkModel: @escaping ModelCheck,
    cost: @escaping Cost
  ) {
    self.init(
      tasks: registry.all.map { Entry($0.info.name, $0.info.settings) }, mixers: mixers,
      checkTask: { (name, settings) throws(SettingError) in
        _ = try registry.make(name, settings: settings)
      },
      checkModel: checkModel, cost: cost)
  }
}
