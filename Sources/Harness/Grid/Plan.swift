public import Configuration

/// What a grid asks for: its cells, complete and checked, in the order in which they are run.
public struct Plan: Sendable {
  public let name: String
  public let description: String
  /// Tasks outermost, then models, training settings and seeds.
  public let cells: [PlannedCell]
  /// The dotted paths of the settings that are chosen on validation, as in `training.learningRate`.
  public let tunedPaths: [String]
}

/// One cell of a plan.
public struct PlannedCell: Sendable, Hashable {
  public let configuration: CellConfiguration
  /// The name of the task setting in tables; no other task setting of the grid has it.
  public let taskLabel: String
  /// The name of the model in tables, with the training settings that the grid compares.
  public let modelLabel: String
  /// The dotted paths of the settings that are chosen on validation.
  public let tuned: [String]
  /// What the width was solved for; nil where it was given.
  public let match: MatchTarget?
}

/// The cost that a model was asked for by.
public struct MatchTarget: Sendable, Hashable, CustomStringConvertible {
  public enum Quantity: String, Sendable, CaseIterable {
    /// The recurrent state of all layers at the task's greatest length, in bytes.
    case stateBytes
    /// The number of trainable numbers.
    case parameters
  }

  public let quantity: Quantity
  public let value: Int

  public init(_ quantity: Quantity, _ value: Int) {
    self.quantity = quantity
    self.value = value
  }

  public var description: String { "\(quantity.rawValue)=\(value)" }
}
