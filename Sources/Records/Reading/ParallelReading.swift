import Platform
import Synchronization

/// Reading many files at once: it is the work of processors more than of disks.
enum ParallelReading {
  /// More threads than this gain little: memory is what they then wait for.
  private static let mostThreads = 8
  /// Fewer items are not worth a thread.
  private static let fewest = 32

  /// Runs a body on all items, on several threads.
  ///
  /// - Parameters:
  ///   - items: The items.
  ///   - body: Gets a reader that no other thread uses.
  /// - Returns: What the body made of each item, in the order of the items.
  static func map<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (inout RecordReader, Item) -> Result
  ) -> [Result] {
    let threads = max(1, min(Machine.cores, mostThreads, items.count / fewest))
    let parts = Mutex([[Result]](repeating: [], count: threads))
    Threads.run(threads) { number in
      let share = (number * items.count / threads)..<((number + 1) * items.count / threads)
      var reader = RecordReader()
      let results = items[share].map { body(&reader, $0) }
      parts.withLock { $0[number] = results }
    }
    return parts.withLock { $0.flatMap(\.self) }
  }
}
