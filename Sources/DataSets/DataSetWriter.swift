package import Platform
import TaskGenerators

/// Writes examples for other frameworks, on any number of threads and in constant memory.
///
/// The bytes depend on the selection and the format alone, not on the number of threads.
package struct DataSetWriter: Sendable {
  /// Where the bytes go.
  package enum Destination: Sendable {
    /// A file, which is there wholly or not at all.
    case file(String)
    case standardOutput
  }

  let selection: ExampleSelection
  private let jobs: Int
  private let isCancelled: @Sendable () -> Bool

  /// Makes a writer.
  ///
  /// - Parameters:
  ///   - selection: The examples.
  ///   - jobs: The number of threads, at least 1.
  ///   - isCancelled: Asked before every piece of the work; once it says so, no file is made.
  package init(
    _ selection: ExampleSelection, jobs: Int,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.selection = selection
    self.jobs = max(1, jobs)
    self.isCancelled = isCancelled
  }

  /// What a line for an example is.
  package enum LineFormat: Sendable {
    /// As `TaskGenerator.json(_:)` has it.
    case examples
    /// `{"prompt":"…","answers":["…"]}`; the task must have prompts.
    case prompts
  }

  /// Writes a line for each example of several selections, one selection after the other.
  ///
  /// - Returns: Whether all was written, that is, nothing cancelled it.
  /// - Throws: `FileError` where the destination does not take the bytes.
  package static func writeLines(
    _ format: LineFormat, of writers: [DataSetWriter], to destination: Destination
  ) throws(FileError) -> Bool {
    let output = try Output(destination)
    for writer in writers {
      guard try writer.appendLines(format, to: output) else { return false }
    }
    try output.complete()
    return true
  }

  private func appendLines(_ format: LineFormat, to output: Output) throws(FileError) -> Bool {
    let selection = selection
    let task = selection.task
    return try inOrder(output) { piece, bytes in
      selection.forEach(in: piece) { example in
        switch format {
        case .examples: task.appendJSON(of: example, to: &bytes)
        case .prompts:
          guard let prompt = task.prompt(example) else { preconditionFailure("it has no prompts") }
          prompt.appendJSON(to: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
      }
    }
  }

  // MARK: - The work

  /// Opens the destination, lets `body` write to it, and completes it unless that was cancelled.
  func write(
    to destination: Destination, _ body: (Output) throws(FileError) -> Bool
  ) throws(FileError) -> Bool {
    let output = try Output(destination)
    guard try body(output) else { return false }
    try output.complete()
    return true
  }

  /// Makes the bytes of all pieces side by side and appends them in order.
  ///
  /// - Parameters:
  ///   - output: Where they go.
  ///   - encode: Appends the bytes of the examples of a piece.
  /// - Returns: Whether it was not cancelled.
  /// - Throws: `FileError` where the output does not take them.
  func inOrder(
    _ output: Output, _ encode: @escaping @Sendable (Range<Int>, inout [UInt8]) -> Void
  ) throws(FileError) -> Bool {
    let pieces = selection.pieces
    return try PieceWork.run(pieces.number, jobs: jobs, isCancelled: isCancelled) { work, piece in
      var bytes: [UInt8] = []
      encode(pieces[piece], &bytes)
      work.inTurn(piece) { () throws(FileError) in try output.append(bytes) }
    }
  }

  /// Does all pieces side by side; `write` puts them where they belong.
  func inAnyOrder(
    _ write: @escaping @Sendable (Range<Int>) throws(FileError) -> Void
  ) throws(FileError) -> Bool {
    let pieces = selection.pieces
    return try PieceWork.run(pieces.number, jobs: jobs, isCancelled: isCancelled) {
      (_, piece) throws(FileError) in try write(pieces[piece])
    }
  }
}

/// An open destination.
package enum Output: Sendable {
  case file(PendingFile)
  case standardOutput

  /// Opens a destination.
  ///
  /// - Throws: `FileError` where nothing can be written there.
  package init(_ destination: DataSetWriter.Destination) throws(FileError) {
    switch destination {
    case .file(let path): self = .file(try PendingFile(path))
    case .standardOutput: self = .standardOutput
    }
  }

  /// Writes behind what was written before.
  package func append(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (content) throws(FileError) in
      switch self {
      case .file(let file): try file.append(UnsafeRawBufferPointer(content))
      case .standardOutput:
        try StandardStream.append(UnsafeRawBufferPointer(content), to: .output)
      }
    }
  }

  /// Gives a file its name: until then nobody sees it.
  package func complete() throws(FileError) {
    if case .file(let file) = self { try file.commit() }
  }
}
