import Platform
import Records

/// Standard output is for the answer, standard error for everything else.
enum Console {
  static func output(_ text: String) { StandardStream.write(text + "\n", to: .output) }
  static func talk(_ text: String) { StandardStream.write(text + "\n", to: .errors) }
  static func error(_ text: String) { talk("error: " + text) }
  /// Writes without a line break, for what is redrawn.
  static func draw(_ text: String) { StandardStream.write(text, to: .errors) }
}

extension Console {
  /// Prints a value as one JSON document.
  static func json(_ value: some Encodable) {
    let text = String(decoding: RecordCoding.pretty(value), as: UTF8.self)
    StandardStream.write(text, to: .output)
  }
}
