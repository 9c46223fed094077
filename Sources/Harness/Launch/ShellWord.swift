/// Words for scripts that a shell or Slurm reads.
package enum ShellWord {
  /// A text as one word of a POSIX shell, whatever it holds; quoted only where that is needed.
  ///
  /// Inside single quotes nothing but the single quote has a meaning.
  package static func quoted(_ text: String) -> String {
    guard text.isEmpty || !text.utf8.allSatisfy(isPlain) else { return text }
    return "'"
      + text.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }

  /// A text as the value of an option on an `#SBATCH` line; nil where such lines cannot hold it.
  ///
  /// Slurm reads these lines itself: it knows both kinds of quotes, but drops backslashes, and a
  /// line ends with the line.
  package static func directive(_ text: String) -> String? {
    if !text.isEmpty, text.utf8.allSatisfy(isPlain) { return text }
    guard text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 && $0 != "\\" }) else {
      return nil
    }
    if !text.contains("'") { return "'\(text)'" }
    return text.contains("\"") ? nil : "\"\(text)\""
  }

  /// Whether a byte has no meaning to shells and to Slurm anywhere in a word.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
      UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ","),
      UInt8(ascii: "@"):
      true
    default: false
    }
  }
}

extension String {
  /// The same on one line, short, with control characters written out, for messages.
  var visible: String {
    let scalars = unicodeScalars.map { scalar in
      scalar.value < 32 || scalar.value == 127 ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return scalars.joined().shortened
  }
}
