/// Values numbered in the order in which they first appear, equal keys once.
struct Interned<Key: Hashable, Value> {
  private var indices: [Key: Int] = [:]
  private(set) var values: [Value] = []

  /// The number of a key's value, and whether it is new.
  mutating func insert(_ value: Value, for key: Key) -> (index: Int, isNew: Bool) {
    if let index = indices[key] { return (index, false) }
    indices[key] = values.count
    values.append(value)
    return (values.count - 1, true)
  }

  /// Changes the value with a number.
  mutating func replace(_ index: Int, by value: Value) { values[index] = value }
}
