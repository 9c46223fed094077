import Foundation
import Testing

/// Texts that people read, kept beside the tests, so that a change of them is seen and meant.
///
/// `HYSTERESIS_UPDATE_SNAPSHOTS=1 swift test --filter Snapshot` writes them anew; read the
/// difference before it is committed.
enum Snapshot {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Snapshots")

  private static var isUpdating: Bool {
    ProcessInfo.processInfo.environment["HYSTERESIS_UPDATE_SNAPSHOTS"] == "1"
  }

  /// Compares a text with the one that is kept under a name.
  static func expect(
    _ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = folder.appendingPathComponent(name + ".txt")
    if isUpdating {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      return try Data(text.utf8).write(to: file)
    }
    guard let kept = try? String(decoding: Data(contentsOf: file), as: UTF8.self) else {
      Issue.record(
        "there is no Snapshots/\(name).txt; HYSTERESIS_UPDATE_SNAPSHOTS=1 makes it",
        sourceLocation: sourceLocation)
      return
    }
    let difference = firstDifference(text, kept)
    #expect(
      difference == nil,
      "Snapshots/\(name).txt differs; HYSTERESIS_UPDATE_SNAPSHOTS=1 writes it anew",
      sourceLocation: sourceLocation)
  }

  /// The names of all texts that are kept.
  static var names: [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()
  }

  private static func firstDifference(_ text: String, _ kept: String) -> String? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let old = kept.split(separator: "\n", omittingEmptySubsequences: false)
    for place in 0..<max(lines.count, old.count) {
      let (new, old) = (lines.dropFirst(place).first, old.dropFirst(place).first)
      if new != old {
        return "line \(place + 1): \(new ?? "nothing") instead of \(old ?? "nothing")"
      }
    }
    return nil
  }
}
