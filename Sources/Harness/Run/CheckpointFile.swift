import Platform
import Records
package import TensorFiles
package import Training

/// What a checkpoint is of, and what happened to its cell before.
package struct CheckpointHeader: Codable, Sendable {
  /// The version of the file's form.
  package static let currentForm = 1

  package var form = currentForm
  /// The cell's name in the store, which stands for its configuration and versions.
  package var key: String
  /// The program's version: another one may lay out the same numbers in another way.
  package var program: String
  /// The machine's kind: only on the same one equal steps give equal bits.
  package var device: String
  /// How long the cell was worked on until then.
  package var wallSeconds: Double
  /// How often it went on from a checkpoint before.
  package var resumptions: Int

  package init(
    key: String, program: String = ProgramVersion.text, device: String, wallSeconds: Double = 0,
    resumptions: Int = 0
  ) {
    self.key = key
    self.program = program
    self.device = device
    self.wallSeconds = wallSeconds
    self.resumptions = resumptions
  }

  func isOfSameRun(as other: CheckpointHeader) -> Bool {
    key == other.key && program == other.program && device == other.device
  }
}

/// Checkpoints as files: safetensors with the rest of the state in the metadata, sealed with a
/// checksum over all of it.
package enum CheckpointFile {
  /// Why a file is no checkpoint to go on from.
  package struct Problem: Error {
    package let text: String
  }

  /// Writes a checkpoint in place of an older one; it is there wholly or not at all.
  ///
  /// - Throws: `TensorFileError` where it cannot be written.
  package static func write(
    _ checkpoint: TrainingCheckpoint, _ header: CheckpointHeader, to path: String
  ) throws(TensorFileError) {
    let tensors = checkpoint.tensors.sorted { $0.key < $1.key }.map { name, elements in
      (TensorDescription(name, .float32, [elements.count]), bytes(of: elements))
    }
    let header = RecordCoding.compact(header)
    let progress = RecordCoding.compact(checkpoint.progress)
    let seal = checksum(header, progress, tensors.map { ($0.0.name, $0.1) })
    try TensorFile.write(
      tensors,
      metadata: [
        "format": "hysteresis checkpoint", "cell": String(decoding: header, as: UTF8.self),
        "progress": String(decoding: progress, as: UTF8.self), "sha256": seal,
      ], to: path)
  }

  /// Reads a checkpoint.
  ///
  /// - Throws: `Problem` for anything but a whole, unchanged checkpoint of this form.
  package static func read(_ path: String) throws(Problem) -> (CheckpointHeader, TrainingCheckpoint)
  {
    do {
      let file = try TensorFile(path)
      let texts = file.layout.metadata
      guard let header = texts["cell"], let progress = texts["progress"], let seal = texts["sha256"]
      else { throw Problem(text: "it is no checkpoint") }
      let names = file.layout.places.map(\.tensor.name).sorted()
      let tensors = try names.map { ($0, try file.bytes(of: $0)) }
      guard checksum(Array(header.utf8), Array(progress.utf8), tensors) == seal else {
        throw Problem(text: "its checksum is not that of its content")
      }
      let cell = try RecordCoding.decode(CheckpointHeader.self, from: Array(header.utf8))
      guard cell.form == CheckpointHeader.currentForm else {
        throw Problem(text: "its form \(cell.form) is not this program's")
      }
      var elements: [String: [Float]] = [:]
      for name in names { elements[name] = try file.floats(of: name) }
      let state = try RecordCoding.decode(TrainingProgress.self, from: Array(progress.utf8))
      return (cell, TrainingCheckpoint(progress: state, tensors: elements))
    } catch let problem as Problem {
      throw problem
    } catch let problem as CodingProblem {
      throw Problem(text: problem.text)
    } catch {
      throw Problem(text: "\(error)")
    }
  }

  // Files are little-endian, and so is every machine that Swift runs on.
  private static func bytes(of elements: [Float]) -> [UInt8] {
    elements.withUnsafeBytes { Array($0) }
  }

  private static func checksum(
    _ header: [UInt8], _ progress: [UInt8], _ tensors: [(name: String, bytes: [UInt8])]
  ) -> String {
    let parts =
      [contentHash(header), contentHash(progress)]
      + tensors.flatMap { [contentHash(Array($0.name.utf8)), contentHash($0.bytes)] }
    return contentHash(Array(parts.joined(separator: " ").utf8))
  }
}
