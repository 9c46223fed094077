/// The complete, checked and normalised settings of one task or architecture.
///
/// Every declared setting has a value, and no other has: what is not understood is refused.
public struct SettingValues: Sendable, Hashable {
  /// The values by name, defaults included.
  public let values: [String: SettingValue]

  /// Checks the given values against their declarations and fills in the defaults.
  ///
  /// - Parameters:
  ///   - given: The values by name, as they were written.
  ///   - declared: The declarations.
  ///   - owner: Whose settings they are, for messages: "task mqar".
  /// - Throws: `SettingError` for an unknown name, or a value of a wrong type or out of range.
  public init(
    _ given: [String: SettingValue], declared: [Setting], of owner: String
  ) throws(SettingError) {
    let byName = Dictionary(declared.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var values = byName.mapValues { $0.kind.normalised($0.defaultValue) ?? $0.defaultValue }
    for (name, value) in given.sorted(by: { $0.key < $1.key }) {
      guard let setting = byName[name] else {
        throw Self.unknown(name, among: declared.map(\.name), of: owner)
      }
      guard let normal = setting.kind.normalised(value) else {
        throw SettingError(
          name, "'\(name)' is \(value)", help: "it must be \(setting.kind.expectation)")
      }
      values[name] = normal
    }
    self.values = values
  }

  /// The error for a name that is not declared, with the nearest one that is.
  public static func unknown(
    _ name: String, among known: [String], of owner: String
  ) -> SettingError {
    let nearest = nearestName(to: name, among: known).map { "did you mean '\($0)'? " } ?? ""
    let list =
      known.isEmpty ? "\(owner) has none" : "\(owner) knows: " + known.joined(separator: ", ")
    return SettingError(name, "unknown key '\(name)'", help: nearest + list)
  }

  public func integer(_ name: String) -> Int {
    guard case .integer(let value) = values[name] else { fatalError(Self.misuse(name)) }
    return value
  }

  public func number(_ name: String) -> Double {
    guard case .number(let value) = values[name] else { fatalError(Self.misuse(name)) }
    return value
  }

  public func flag(_ name: String) -> Bool {
    guard case .flag(let value) = values[name] else { fatalError(Self.misuse(name)) }
    return value
  }

  public func text(_ name: String) -> String {
    guard case .text(let value) = values[name] else { fatalError(Self.misuse(name)) }
    return value
  }

  /// A setting of kind `integers`; a single number is a range of one.
  public func integers(_ name: String) -> ClosedRange<Int> {
    switch values[name] {
    case .integer(let value): return value...value
    case .range(let value): return value
    default: fatalError(Self.misuse(name))
    }
  }

  private static func misuse(_ name: String) -> String {
    "setting '\(name)' was not declared with the kind that it is read as"
  }
}
