/// Lays out compact JSON for people.
struct JSONPrinter {
  private typealias Character = JSONText.Character

  private let scanner: JSONScanner
  private let width: Int
  /// The length on one line of the list or object that opens at a place.
  private var inlineLength: [Int: Int] = [:]
  private var result: [UInt8] = []
  private var lineStart = 0
  /// How many lists and objects with a line per member are open.
  private var level = 0
  /// How many lists and objects that are written on one line are open.
  private var inline = 0

  init(_ compact: [UInt8], width: Int) {
    scanner = JSONScanner(compact)
    self.width = width
    measure()
  }

  mutating func print() -> [UInt8] {
    result.reserveCapacity(scanner.bytes.count * 3 / 2)
    var place = 0
    while place < scanner.bytes.count {
      let byte = scanner.bytes[place]
      if Character.opens(byte) {
        open(byte, at: place)
      } else if Character.closes(byte) {
        close(byte)
      } else if Character.separates(byte) {
        result.append(byte)
        if byte == Character.colon { result.append(Character.space) } else { separate(orBy: true) }
      } else {
        let end = scanner.tokenEnd(from: place)
        result.append(contentsOf: scanner.bytes[place..<end])
        place = end
        continue
      }
      place += 1
    }
    return result + [Character.newline]
  }

  private mutating func open(_ byte: UInt8, at place: Int) {
    // One more for the comma that may follow.
    let column = result.count - lineStart
    let fits = column + (inlineLength[place] ?? width) + 1 <= width
    result.append(byte)
    if inline > 0 || fits { inline += 1 } else { level += 1 }
    separate(orBy: false)
  }

  private mutating func close(_ byte: UInt8) {
    if inline > 0 {
      inline -= 1
    } else {
      level -= 1
      separate(orBy: false)
    }
    result.append(byte)
  }

  /// Starts a line, or within a line writes a space where there is to be one.
  private mutating func separate(orBy space: Bool) {
    if inline > 0 {
      if space { result.append(Character.space) }
      return
    }
    result.append(Character.newline)
    lineStart = result.count
    result.append(contentsOf: [UInt8](repeating: Character.space, count: 2 * level))
  }

  private mutating func measure() {
    var open: [(place: Int, length: Int)] = []
    var place = 0
    var length = 0
    while place < scanner.bytes.count {
      let byte = scanner.bytes[place]
      if Character.opens(byte) { open.append((place, length)) }
      let isMark = Character.opens(byte) || Character.separates(byte) || Character.closes(byte)
      let end = isMark ? place + 1 : scanner.tokenEnd(from: place)
      length += end - place + (Character.separates(byte) ? 1 : 0)
      place = end
      if Character.closes(byte), let start = open.popLast() {
        inlineLength[start.place] = length - start.length
      }
    }
  }
}
