import Randomness

/// Draws the examples of `mqar` without a heap allocation at usual sizes.
///
/// Writing is the suite's fastest path (a batch must never wait for its data), so it works on
/// borrowed memory, and draws from a copy of the random source that can live in registers.
enum RecallWriter {
  private typealias Ids = UnsafeMutableBufferPointer<Int32>

  static func write(
    _ task: MultiQueryRecall, using random: inout RandomSource, into example: inout Example
  ) {
    let layout = task.layout
    let capacity = (layout.parts + 2) * layout.pairs + layout.entries + 2 * layout.side
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: capacity) { scratch in
      MarkTable.withEmpty(below: layout.vocabulary) { used in
        example.tokens.withUnsafeMutableBufferPointer { tokens in
          var memory = Scratch(buffer: scratch)
          writeContext(
            layout, to: tokens, memory: &memory, marking: used, using: &random)
          writeQueries(
            task, to: tokens, memory: &memory, targets: &example.targets, using: &random)
          writeFiller(task, to: tokens, used: used, using: &random)
        }
      }
    }
  }

  /// The scratch memory of one example, given out in pieces.
  private struct Scratch {
    let buffer: Ids
    var start = 0
    /// The present value of each key; set by the context, read by the queries.
    var answers = Ids(start: nil, count: 0)

    mutating func take(_ count: Int) -> Ids {
      defer { start += count }
      return Ids(rebasing: buffer[start..<start + count])
    }
  }

  // MARK: - Context

  private static func writeContext(
    _ layout: RecallLayout, to tokens: Ids, memory: inout Scratch, marking used: MarkTable,
    using random: inout RandomSource
  ) {
    let keys = drawKeys(layout, memory: &memory, marking: used, using: &random)
    let values = memory.take(layout.entries)
    random.fillDistinct(values, from: layout.valuePool, marking: used)
    let answers = memory.take(layout.pairs)
    var position = 0
    for entry in 0..<layout.entries {
      let key = entry < layout.pairs ? entry : random.uniform(below: layout.pairs)
      for part in 0..<layout.parts { tokens[position + part] = keys[key * layout.parts + part] }
      tokens[position + layout.parts] = values[entry]
      answers[key] = values[entry]
      position += layout.entryWidth
    }
    for copy in position..<layout.contextLength { tokens[copy] = tokens[copy - position] }
    memory.answers = answers
  }

  /// The parts of all keys, key by key.
  private static func drawKeys(
    _ layout: RecallLayout, memory: inout Scratch, marking used: MarkTable,
    using random: inout RandomSource
  ) -> Ids {
    let keys = memory.take(layout.parts * layout.pairs)
    guard layout.parts == 2 else {
      random.fillDistinct(keys, from: layout.pool(ofPart: 0), marking: used)
      return keys
    }
    let first = memory.take(layout.side)
    let second = memory.take(layout.side)
    random.fillDistinct(first, from: layout.pool(ofPart: 0), marking: used)
    random.fillDistinct(second, from: layout.pool(ofPart: 1), marking: used)
    keys.withMemoryRebound(to: (Int32, Int32).self) { grid in
      for cell in 0..<layout.pairs {
        grid[cell] = (first[cell / layout.side], second[cell % layout.side])
      }
      random.shuffle(grid)
    }
    return keys
  }

  // MARK: - Questions

  private static func writeQueries(
    _ task: MultiQueryRecall, to tokens: Ids, memory: inout Scratch, targets: inout [Target],
    using random: inout RandomSource
  ) {
    let layout = task.layout
    let slots = memory.take(layout.pairs)
    task.slots.fill(slots, using: &random)
    // The slots are drawn in the order of the keys, but targets stand in the order of positions:
    // each slot first notes the number of its key, counted from 1, where the key will stand.
    for key in 0..<layout.pairs {
      tokens[layout.start(ofSlot: Int(slots[key]))] = Int32(truncatingIfNeeded: key + 1)
    }
    for slot in 0..<layout.slotCount {
      let start = layout.start(ofSlot: slot)
      guard tokens[start] != 0 else { continue }
      let key = Int(tokens[start]) - 1
      for part in 0..<layout.parts {
        tokens[start + part] = tokens[key * layout.entryWidth + part]
      }
      targets.append(Target(position: start + layout.parts - 1, token: memory.answers[key]))
    }
  }

  // MARK: - Filler

  /// Fills the places of the question part that are still 0, which no key is.
  private static func writeFiller(
    _ task: MultiQueryRecall, to tokens: Ids, used: MarkTable, using random: inout RandomSource
  ) {
    let question = Ids(rebasing: tokens[task.layout.contextLength...])
    let bound = UInt32(truncatingIfNeeded: task.vocabulary)
    var source = random
    switch task.filler {
    case .zero: return
    case .random:
      for place in 0..<question.count where question[place] == 0 {
        question[place] = Int32(bitPattern: source.uniform(below: bound))
      }
    case .clean where 2 * task.layout.usedIds > task.vocabulary:
      writeScarceFiller(task, to: question, used: used, using: &source)
    case .clean:
      for place in 0..<question.count where question[place] == 0 {
        var id = source.uniform(below: bound)
        while used.contains(Int(id)) { id = source.uniform(below: bound) }
        question[place] = Int32(bitPattern: id)
      }
    }
    random = source
  }

  /// Draws clean filler from a list of the free ids, where redraws would be too many.
  private static func writeScarceFiller(
    _ task: MultiQueryRecall, to question: Ids, used: MarkTable, using random: inout RandomSource
  ) {
    let free = task.vocabulary - task.layout.usedIds
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: free) { list in
      var count = 0
      for id in 0..<task.vocabulary where !used.contains(id) {
        list[count] = Int32(truncatingIfNeeded: id)
        count += 1
      }
      for place in 0..<question.count where question[place] == 0 {
        question[place] = list[random.uniform(below: free)]
      }
    }
  }
}
