import ArgumentParser
import Platform

/// How a command prints its tables.
enum TableFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, csv, markdown, latex
}

/// One of the values of another module's enumeration, as an argument.
struct Choice<Value>: ExpressibleByArgument
where Value: CaseIterable & RawRepresentable & Sendable, Value.RawValue == String {
  let value: Value

  init(_ value: Value) { self.value = value }

  init?(argument: String) {
    guard let value = Value(rawValue: argument) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { value.rawValue }
  static var allValueStrings: [String] { Value.allCases.map(\.rawValue) }
  static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}

extension Console {
  /// Prints a document that ends its own last line.
  static func document(_ text: String) { StandardStream.write(text, to: .output) }
}
