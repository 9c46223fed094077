import CReportPage
import Records

/// The parts of the page that are the same in every report, and how they are put together.
enum PageParts {
  static let style = String(cString: report_page_style())

  static let script: String = {
    var text = "\"use strict\";\n(() => {\n"
    var index: Int32 = 0
    while let part = report_page_script(index) {
      text += String(cString: part)
      index += 1
    }
    return text + "})();\n"
  }()

  /// What the page may do: run its own script, told by its hash, and nothing over a network.
  static let policy =
    "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
    + "style-src 'unsafe-inline'; script-src 'sha256-\(base64(hash(script)))'"

  /// The template with its places filled.
  ///
  /// It is read once from start to end, so that a value that looks like a place stays as it is.
  static func filled(_ values: [String: String]) -> String {
    var result = ""
    var rest = Substring(String(cString: report_page_template()))
    while let open = rest.firstRange(of: "{{"),
      let close = rest[open.upperBound...].firstRange(of: "}}")
    {
      result += rest[..<open.lowerBound]
      result += values[String(rest[open.upperBound..<close.lowerBound])] ?? ""
      rest = rest[close.upperBound...]
    }
    return result + rest
  }

  /// JSON that stays inside of its element: no text of it ends the script or starts a comment.
  static func harmless(_ json: [UInt8]) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(json.count + json.count / 16)
    for byte in json {
      switch byte {
      case UInt8(ascii: "<"): bytes += Array("\\u003c".utf8)
      case UInt8(ascii: ">"): bytes += Array("\\u003e".utf8)
      case UInt8(ascii: "&"): bytes += Array("\\u0026".utf8)
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func hash(_ text: String) -> [UInt8] {
    let digits = contentHash(Array(text.utf8)).compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let word = (0..<3).reduce(0) { $0 << 8 | ($1 < group.count ? Int(group[start + $1]) : 0) }
      for place in 0..<4 {
        text.append(place <= group.count ? alphabet[word >> (18 - 6 * place) & 63] : "=")
      }
    }
    return text
  }
}
