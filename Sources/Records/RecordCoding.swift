#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// JSON in which equal values are equal bytes: sorted names, shortest exact numbers, and NaN and
/// the infinities as texts.
package enum RecordCoding {
  /// The value as JSON without spaces.
  package static func compact(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do {
      return [UInt8](try encoder.encode(value))
    } catch {
      fatalError("a value of the program's own types has no JSON: \(error)")
    }
  }

  /// The value as JSON for people, with a newline at the end.
  package static func pretty(_ value: some Encodable) -> [UInt8] {
    JSONText.pretty(compact(value))
  }

  /// Reads a value.
  ///
  /// - Throws: `CodingProblem` that says where the bytes are not such a value.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: [UInt8]
  ) throws(CodingProblem) -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw CodingProblem(error)
    } catch {
      throw CodingProblem(text: "\(error)")
    }
  }
}

/// Where and why bytes are not the value that was expected.
package struct CodingProblem: Error {
  package let text: String
  /// Whether the bytes are whole, but of a form that this program does not know.
  var isOtherVersion = false
}

extension CodingProblem {
  init(_ error: DecodingError) { self.init(text: Self.text(error)) }

  private static func text(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "'\(path(context.codingPath + [key]))' is missing"
    case .valueNotFound(_, let context):
      "'\(path(context.codingPath))' is null"
    case .typeMismatch(let type, let context):
      "'\(path(context.codingPath))' is not of type \(type)"
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      "it is not JSON"
    case .dataCorrupted(let context):
      "'\(path(context.codingPath))': \(context.debugDescription)"
    @unknown default:
      "\(error)"
    }
  }

  private static func path(_ path: [any CodingKey]) -> String {
    path.map { key in key.intValue.map { String($0) } ?? key.stringValue }.joined(separator: ".")
  }
}
