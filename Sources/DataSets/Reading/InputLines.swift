package import Platform

/// A line of a file that cannot be accepted: file, line, and what is wrong.
package struct LineError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(file: String, line: Int, _ problem: TextProblem) {
    description = "\(file.quotablePath):\(line): \(problem)"
  }
}

/// The lines of a file, each with its number; empty ones are passed over.
package struct InputLines {
  private let reader: LineReader
  private var bytes: [UInt8] = []

  /// Opens a file, or standard input for "-".
  ///
  /// - Throws: `FileError`.
  package init(_ path: String) throws(FileError) { reader = try LineReader(path) }

  package var file: String { reader.name }
  /// The number of the last line, counted from 1.
  package var line: Int { reader.line }

  /// Reads the next line and makes something of it.
  ///
  /// - Parameter read: Gets the line's bytes.
  /// - Returns: What it made; nil at the end.
  /// - Throws: `FileError`, or `LineError` with the place of what `read` found wrong.
  package mutating func next<Value>(
    _ read: ([UInt8]) throws(TextProblem) -> Value
  ) throws -> Value? {
    while try reader.next(into: &bytes) {
      guard bytes.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
      do throws(TextProblem) {
        return try read(bytes)
      } catch {
        throw LineError(file: file, line: line, error)
      }
    }
    return nil
  }
}

extension String {
  /// The whole path for a message, with nothing in it that breaks a line.
  fileprivate var quotablePath: String {
    String(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) })
  }
}
