import Platform

/// A file of tensors that is open for reading, from any number of threads.
package final class TensorFile: Sendable {
  package let layout: TensorLayout
  private let file: InputFile

  /// Opens a file and checks its header; the elements are read when they are asked for.
  ///
  /// - Throws: `TensorFileError` for a file that is missing or not in the format. Nothing that a
  ///   file states makes this take more memory than a small multiple of the file's size.
  package init(_ path: String) throws(TensorFileError) {
    let file = try Self.system { () throws(FileError) in try InputFile(path) }
    let header = try Self.header(of: file)
    do throws(TensorLayoutProblem) {
      layout = try TensorLayout(header: header, fileSize: file.byteCount)
    } catch {
      throw .content(path: path, problem: error.description)
    }
    self.file = file
  }

  /// The bytes of a tensor.
  ///
  /// - Throws: `TensorFileError` where there is no such tensor, or the file was cut since.
  package func bytes(of name: String) throws(TensorFileError) -> [UInt8] {
    try elements(of: name, [UInt8].self, types: ElementType.allCases)
  }

  /// The elements of a tensor of type `int32`.
  ///
  /// - Throws: `TensorFileError` where there is no such tensor, or the file was cut since.
  package func integers(of name: String) throws(TensorFileError) -> [Int32] {
    try elements(of: name, [Int32].self, types: [.int32])
  }

  /// The elements of a tensor of type `float32`.
  ///
  /// - Throws: `TensorFileError` where there is no such tensor, or the file was cut since.
  package func floats(of name: String) throws(TensorFileError) -> [Float] {
    try elements(of: name, [Float].self, types: [.float32])
  }

  // Files are little-endian, and so is every machine that Swift runs on.
  private func elements<Element>(
    of name: String, _: [Element].Type, types: [ElementType]
  ) throws(TensorFileError) -> [Element]
  where Element: BitwiseCopyable & ExpressibleByIntegerLiteral {
    guard let place = layout[name] else {
      let names = layout.places.prefix(20).map(\.tensor.name.quotable).joined(separator: ", ")
      throw .content(
        path: file.path, problem: "it has no tensor '\(name.quotable)'; it has: \(names)")
    }
    guard types.contains(place.tensor.type) else {
      throw .content(
        path: file.path,
        problem: "tensor '\(name)' is \(place.tensor.type.rawValue), not \(types[0].rawValue)")
    }
    var elements = [Element](
      repeating: 0, count: place.bytes.count / MemoryLayout<Element>.stride)
    let offset = place.bytes.lowerBound
    try Self.system { () throws(FileError) in
      try elements.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
        try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
      }
    }
    return elements
  }
}

extension TensorFile {
  /// Writes a file of tensors in place of any that has the path; it is there wholly or not at all.
  ///
  /// - Parameters:
  ///   - tensors: What there is, and the bytes of each, little-endian.
  ///   - metadata: Free texts about the file.
  ///   - path: The file; its folder must exist.
  /// - Throws: `TensorFileError` where the file cannot be written, or the tensors make no layout.
  package static func write(
    _ tensors: [(tensor: TensorDescription, bytes: [UInt8])], metadata: [String: String] = [:],
    to path: String
  ) throws(TensorFileError) {
    let layout: TensorLayout
    do throws(TensorLayoutProblem) {
      layout = try TensorLayout(tensors.map(\.tensor), metadata: metadata)
    } catch {
      throw .content(path: path, problem: error.description)
    }
    try system { () throws(FileError) in
      let file = try PendingFile(path)
      try write(layout.header, to: file, at: 0)
      for (tensor, bytes) in tensors {
        guard let place = layout[tensor.name] else { continue }
        precondition(bytes.count == place.bytes.count, "'\(tensor.name)' has other bytes")
        try write(bytes, to: file, at: place.bytes.lowerBound)
      }
      try file.commit()
    }
  }

  private static func write(
    _ bytes: [UInt8], to file: PendingFile, at offset: Int
  ) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (content) throws(FileError) in
      try file.write(UnsafeRawBufferPointer(content), at: offset)
    }
  }

  /// The header's bytes, once their number is known to be possible.
  private static func header(of file: InputFile) throws(TensorFileError) -> [UInt8] {
    guard file.byteCount >= TensorLayout.lengthBytes else {
      throw .content(path: file.path, problem: "it has only \(file.byteCount) bytes")
    }
    let length = try read(TensorLayout.lengthBytes, of: file, at: 0).reversed()
      .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= file.byteCount - TensorLayout.lengthBytes else {
      throw .content(path: file.path, problem: "the header is longer than the file")
    }
    guard length <= TensorLayout.longestHeader else {
      throw .content(path: file.path, problem: "a header of \(length) bytes is too long")
    }
    return try read(Int(length), of: file, at: TensorLayout.lengthBytes)
  }

  private static func read(
    _ count: Int, of file: InputFile, at offset: Int
  ) throws(TensorFileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try system { () throws(FileError) in
      try bytes.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
        try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
      }
    }
    return bytes
  }

  private static func system<Result>(
    _ body: () throws(FileError) -> Result
  ) throws(TensorFileError) -> Result {
    do throws(FileError) { return try body() } catch { throw .file(error) }
  }
}
