package import Configuration
import Platform
package import Records
package import TensorFiles

/// A trained model as a file: its parameters and everything that rebuilds it.
///
/// The format is safetensors, so that every framework reads it. Each tensor is a parameter in 32-bit
/// floats and has its path in the model as its name:
///
/// | tensor | shape | |
/// |---|---|---|
/// | `embedding` | [vocabulary, width] | a row for each token; also the head where that is tied |
/// | `positions` | [longest, width] | where positions are learned; added to the embeddings |
/// | `layerI.norm.weight`, `.bias` | [width] | the norm in front of the mixer of layer I (from 0); a bias for `norm: layer` |
/// | `layerI.mixer.…` | | what the mixer has |
/// | `layerI.channelNorm.weight`, `.bias` | [width] | the norm in front of the channel mixer |
/// | `layerI.channel.up`, `.gate`, `.down` | [in, out] | the channel mixer's maps, as `.weight` and `.bias` |
/// | `finalNorm.weight`, `.bias` | [width] | the norm in front of the head |
/// | `head` | [vocabulary, width] | where it is not tied |
///
/// A linear map `NAME.weight` is [inputs, outputs], y = x W (PyTorch's `nn.Linear` has the
/// transpose). In mixers with heads `query`, `key` and `value` are maps to [heads × dim], head by
/// head, `NAME.convolution` is the short convolution [taps, channels], of which row 0 meets the
/// present position, `norm` the scale of each head's RMS norm [dim], and `output` the map back to the
/// width. All norms divide by the root of the mean square (for `layer`: of the variance) plus 1e-5;
/// queries and keys of the delta rules by the root of the sum of squares plus 1e-6.
///
/// What is special to a mixer:
///
/// - attention and retention turn channel m of a head with channel m + dim/2 (`rotary`);
/// - retention's norm has no scale, that of mamba-2 is over all channels, after the gate; mlstm and
///   slstm have a layer norm for each head, without a bias, and `norm` [width] after it;
/// - mamba's and mamba-2's `input`, `write` (`key`) and `read` (`query`) are x, B and C, `step` the time
///   step in front of softplus, `logRate` ln(-A) and `skip` D; in gated-delta-net `step` and `logRate`
///   make the decay in the same way, and `strength` is the logit of beta;
/// - gates lie one after the other: input, forget, candidate, output (lstm, slstm); reset, update,
///   candidate (gru); input, forget (mlstm). `recurrent` is [heads, in, gates, out], and block-diagonal
///   maps are [blocks, in, out].
///
/// `Tests/Python/mixers.py` has each of them in PyTorch.
///
/// The metadata are texts:
///
/// | name | |
/// |---|---|
/// | `format`, `formatVersion` | `hysteresis-model`, `1` |
/// | `key` | the cell's name in its store |
/// | `task`, `model` | what tables call it |
/// | `configuration` | the cell's complete configuration, JSON as in its record |
/// | `versions` | the versions of what made the numbers, JSON as in its record |
/// | `vocabulary`, `maximumLength` | token ids, and the longest sequence of the cell's data |
/// | `selectedStep` | the step whose parameters these are: the best on validation, which were tested |
/// | `program` | what wrote the file |
/// | `checksum` | the SHA-256 of all elements as they lie in the file; without one nothing is compared |
package struct ModelFile: Sendable {
  package static let format = "hysteresis-model"
  package static let formatVersion = 1
  /// A file that asks for more is none that this program wrote.
  static let longestSequence = 1 << 24

  /// The elements of a parameter.
  package struct Parameter: Sendable {
    package let name: String
    package let shape: [Int]
    package let elements: [Float]
  }

  package var key: String
  package var labels: CellLabels
  package var configuration: CellConfiguration
  package var versions: CellVersions
  package var vocabulary: Int
  package var maximumLength: Int
  package var selectedStep: Int
  package var parameters: [Parameter]

  /// The shape of every tensor, by name.
  package var shapes: [String: [Int]] {
    Dictionary(parameters.map { ($0.name, $0.shape) }) { first, _ in first }
  }
}

// MARK: - Writing

extension ModelFile {
  /// Writes the file in place of any that has the path; it is there wholly or not at all.
  ///
  /// - Throws: `TensorFileError` where it cannot be written.
  package func write(to path: String) throws(TensorFileError) {
    let tensors = parameters.map { parameter in
      (
        tensor: TensorDescription(parameter.name, .float32, parameter.shape),
        bytes: parameter.elements.withUnsafeBytes { Array($0) }
      )
    }
    try TensorFile.write(
      tensors, metadata: metadata(checksum: contentHash(tensors.flatMap(\.bytes))), to: path)
  }

  private func metadata(checksum: String) -> [String: String] {
    func json(_ value: some Encodable) -> String {
      String(decoding: RecordCoding.compact(value), as: UTF8.self)
    }
    return [
      "format": Self.format, "formatVersion": "\(Self.formatVersion)",
      "program": "hysteresis \(ProgramVersion.text)", "key": key, "task": labels.task,
      "model": labels.model, "configuration": json(configuration), "versions": json(versions),
      "vocabulary": "\(vocabulary)", "maximumLength": "\(maximumLength)",
      "selectedStep": "\(selectedStep)", "checksum": checksum,
    ]
  }
}

// MARK: - Reading

extension ModelFile {
  /// Reads a file.
  ///
  /// - Throws: `ModelFileError` for a file that is missing, torn, changed, of another version, or no
  ///   model at all.
  package init(_ path: String) throws(ModelFileError) {
    let file: TensorFile
    do { file = try TensorFile(path) } catch { throw ModelFileError(error) }
    try self.init(header: file.layout.metadata, path: path)
    var bytes: [UInt8] = []
    for place in file.layout.places {
      do {
        let elements = try file.floats(of: place.tensor.name)
        parameters.append(
          Parameter(name: place.tensor.name, shape: place.tensor.shape, elements: elements))
        elements.withUnsafeBytes { bytes.append(contentsOf: $0) }
      } catch {
        throw ModelFileError(error)
      }
    }
    if let checksum = file.layout.metadata["checksum"], checksum != contentHash(bytes) {
      throw ModelFileError(path, "damaged: its checksum is not that of its tensors")
    }
  }

  /// Whether a path has the whole file of a cell's model, going by its header and its size.
  package static func isThere(_ path: String, key: String) -> Bool {
    guard let file = try? TensorFile(path),
      let header = try? ModelFile(header: file.layout.metadata, path: path)
    else { return false }
    return header.key == key
  }

  /// All but the parameters.
  private init(header: [String: String], path: String) throws(ModelFileError) {
    guard header["format"] == Self.format else {
      throw ModelFileError(
        path,
        "not a model of this suite: its metadata have no format '\(Self.format)'; "
          + "'hysteresis run GRID --checkpoints' writes such files")
    }
    guard header["formatVersion"] == "\(Self.formatVersion)" else {
      throw ModelFileError(
        path,
        "a model of format version \(header["formatVersion"]?.shortened ?? "none"); this "
          + "program reads version \(Self.formatVersion)")
    }
    let header = ModelHeader(texts: header, path: path)
    key = try header.text("key")
    labels = CellLabels(task: try header.text("task"), model: try header.text("model"))
    configuration = try header.value(CellConfiguration.self, "configuration")
    versions = try header.value(CellVersions.self, "versions")
    vocabulary = try header.number("vocabulary", 1...Int(Int32.max))
    maximumLength = try header.number("maximumLength", 1...Self.longestSequence)
    selectedStep = try header.number("selectedStep", 0...Int.max)
    parameters = []
  }
}

/// The metadata of a model's file.
private struct ModelHeader {
  let texts: [String: String]
  let path: String

  func text(_ name: String) throws(ModelFileError) -> String {
    guard let text = texts[name] else {
      throw ModelFileError(path, "its metadata have no '\(name)'")
    }
    return text
  }

  func number(_ name: String, _ range: ClosedRange<Int>) throws(ModelFileError) -> Int {
    let text = try text(name)
    guard let number = Int(text), range.contains(number) else {
      throw ModelFileError(
        path,
        "'\(name)' in its metadata is '\(text.shortened)'; it must be a whole number from "
          + "\(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func value<Value: Decodable>(
    _ type: Value.Type, _ name: String
  ) throws(ModelFileError) -> Value {
    let bytes = Array(try text(name).utf8)
    do throws(CodingProblem) {
      return try RecordCoding.decode(type, from: bytes)
    } catch {
      throw ModelFileError(path, "'\(name)' in its metadata: \(error.text)")
    }
  }
}

/// Why a file cannot be used as a model: its path and what is wrong.
package struct ModelFileError: Error, Sendable, Hashable, CustomStringConvertible {
  package let path: String
  package let problem: String
  /// Whether there is no such file.
  package let isMissing: Bool

  package var description: String { "\(path): \(GridError.printable(problem))" }

  init(_ path: String, _ problem: String) {
    (self.path, self.problem, isMissing) = (path, problem, false)
  }

  init(_ error: TensorFileError) {
    switch error {
    case .file(let error):
      path = error.path
      problem = "cannot \(error.action.rawValue): \(error.reason)"
      isMissing = error.isMissing
    case .content(let path, let problem):
      self.path = path
      self.problem = "not a model of this suite, or a torn one: \(problem)"
      isMissing = false
    }
  }
}
