public import Autograd
package import Randomness
import Tensors

/// The parameters of a model, collected while its layers are made and then laid out as one long
/// tensor, so that one kernel steps them all.
///
/// A model is first only described: names, shapes and initial laws. Nothing is allocated before
/// `materialise`, so that a grid can be checked, counted and priced without any memory.
public final class Parameters {
  /// How many parameters there are, in floats.
  public var count: Int { registry.entries.reduce(0) { $0 + $1.shape.reduce(1, *) } }

  private let registry: Registry
  private let prefix: String

  private final class Registry {
    var entries: [Parameter] = []
    var constants: [Constant] = []
    var arena: ParameterArena?
  }

  public init() {
    registry = Registry()
    prefix = ""
  }

  private init(_ registry: Registry, prefix: String) {
    self.registry = registry
    self.prefix = prefix
  }

  /// The same collection under a name: parameters made there are called "name.…".
  public func scoped(_ name: String) -> Parameters {
    Parameters(registry, prefix: prefix + name + ".")
  }

  /// Adds a parameter.
  ///
  /// - Parameters:
  ///   - name: Unique within its scope.
  ///   - shape: The shape.
  ///   - initial: The law of its initial elements.
  ///   - decays: Whether weight decay applies; by convention not to biases, norms and time scales.
  /// - Returns: The parameter, which has a variable once the model is materialised.
  public func parameter(
    _ name: String, _ shape: [Int], _ initial: Initialiser, decays: Bool = true
  ) -> Parameter {
    let full = prefix + name
    precondition(!registry.entries.contains { $0.name == full }, "two parameters called \(full)")
    let parameter = Parameter(name: full, shape: shape, initial: initial, decays: decays)
    registry.entries.append(parameter)
    return parameter
  }

  /// Adds a tensor that is not trained: a table of angles, slopes.
  public func constant(_ shape: [Int], _ elements: @escaping @Sendable () -> [Float]) -> Constant {
    let constant = Constant(shape: shape, elements: elements)
    registry.constants.append(constant)
    return constant
  }

  /// All parameters, in the order in which they were made.
  public var all: [Parameter] { registry.entries }

  /// Allocates and initialises everything on the tape's device.
  ///
  /// Each parameter draws from a source of its own, named after it: adding a parameter changes no
  /// other's initial value.
  package func materialise(on tape: Tape, random: RandomSource) -> ParameterArena {
    let arena = ParameterArena(registry.entries, on: tape, random: random)
    for constant in registry.constants { constant.place(on: tape) }
    registry.arena = arena
    return arena
  }
}

/// A trained tensor of a model.
public final class Parameter {
  public let name: String
  public let shape: [Int]
  package let initial: Initialiser
  package let decays: Bool
  private var placed: Variable?

  init(name: String, shape: [Int], initial: Initialiser, decays: Bool) {
    self.name = name
    self.shape = shape
    self.initial = initial
    self.decays = decays
  }

  /// The parameter in a computation; the model must have been materialised.
  public var variable: Variable {
    guard let placed else { preconditionFailure("parameter \(name) was not materialised") }
    return placed
  }

  func place(_ variable: Variable) { placed = variable }
}

/// An untrained tensor of a model.
public final class Constant {
  private let shape: [Int]
  private let elements: @Sendable () -> [Float]
  private var placed: Variable?

  init(shape: [Int], elements: @escaping @Sendable () -> [Float]) {
    self.shape = shape
    self.elements = elements
  }

  /// The constant in a computation; the model must have been materialised.
  public var variable: Variable {
    guard let placed else { preconditionFailure("a constant was not materialised") }
    return placed
  }

  func place(on tape: Tape) {
    placed = tape.constant(tape.backend.tensor(elements(), shape))
  }
}
