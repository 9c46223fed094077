public import Configuration
public import Randomness

/// Flip-flop language modelling: a read returns the bit that was written last.
///
/// Liu et al. 2023, "Exposing attention glitches with flip-flop language modeling", whose FFL(T, p)
/// is the case of one register: T tokens, instruction and bit in turn; it starts with a write and
/// ends with a read; in between instructions are ignore with probability p and otherwise read or
/// write, equally likely. Bits after writes and ignores are fair coins. Scored are the reads alone
/// ("clean mode"): the bit is read from the output at the read instruction and stands as the next
/// token. The paper trains on p = 0.8 and tests on 0.98 (sparse) and 0.1 (dense) too.
///
/// With more registers every write and read names its register; the first instructions write
/// each register once, in random order.
///
///     tokens   w 1  i 0  r 1  w 0  i 1  r
///     target   . .  . .  1 .  . .  . .  0
///
/// Short sequences are dealt out among the splits (``SequenceDeal``).
///
/// The length counts the last answer, which is not among the tokens. Ids: bits 0 and 1, ignore 2,
/// then the writes and the reads of registers 1, 2, ….
public struct FlipFlop: TaskGenerator {
  public static let info = TaskInfo(
    name: "flip-flop",
    summary: "flip-flop: write, read and ignore instructions; a read returns the bit last written",
    picture: """
      tokens   w 1  i 0  r 1  w 0  i 1  r
      target   . .  . .  1 .  . .  . .  0
      """,
    paper: "Liu et al. 2023",
    version: 3,
    settings: [
      Setting(
        "length", .integers(4...1_048_576), default: .integer(512),
        "tokens T with the last answer, or a range of it; only even ones are drawn"),
      Setting(
        "ignore", .number(0...1), default: .number(0.8),
        "probability p of an ignore instruction; write and read have (1 - p) / 2 each"),
      Setting("registers", .integer(1...256), default: .integer(1), "registers, one bit each"),
    ],
    slices: ["length"],
    metrics: [.tokenAccuracy, .sequenceAccuracy])

  public let settings: SettingValues
  private let instructions: ClosedRange<Int>
  private let registers: Int
  /// The probability of an ignore instruction in units of 2^-32.
  private let ignoreBelow: UInt64

  public init(settings: SettingValues) throws(SettingError) {
    self.settings = settings
    registers = settings.integer("registers")
    ignoreBelow = UInt64((settings.number("ignore") * 0x1p32).rounded())
    let length = settings.integers("length")
    let first = (length.lowerBound + 1) / 2
    let last = length.upperBound / 2
    guard first <= last else {
      throw SettingError(
        "length", "'length' is \(length.lowerBound)",
        help: "it must be even: instructions and bits take turns")
    }
    guard first > registers else {
      throw SettingError(
        "registers", "'registers' is \(registers) with 'length' from \(2 * first) on",
        help: "at most \(first - 1): every register is written before the last read, or 'length' "
          + "must be at least \(2 * registers + 2)")
    }
    instructions = first...last
  }

  private static let ignore: Int32 = 2
  private func write(to register: Int) -> Int32 { Int32(3 + register) }
  private func read(from register: Int) -> Int32 { Int32(3 + registers + register) }

  public var vocabulary: Int { 3 + 2 * registers }
  public var maximumLength: Int { 2 * instructions.upperBound - 1 }
  public var maximumTargets: Int { instructions.upperBound - registers }
  public var chance: Double { 0.5 }

  public func write(using random: inout RandomSource, into example: inout Example) {
    let count = random.uniform(in: instructions)
    example.reset(length: 2 * count - 1)
    example.slices.append(2 * count)
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * registers) { memory in
      let bits = UnsafeMutableBufferPointer(rebasing: memory[..<registers])
      let order = UnsafeMutableBufferPointer(rebasing: memory[registers...])
      for register in 0..<registers { order[register] = Int32(register) }
      var source = random
      source.shuffle(order)
      example.tokens.withUnsafeMutableBufferPointer { tokens in
        for place in 0..<count {
          let instruction =
            place < registers
            ? write(to: Int(order[place]))
            : draw(isLast: place == count - 1, using: &source)
          tokens[2 * place] = instruction
          let bit = execute(instruction, bits, using: &source)
          if isRead(instruction) {
            example.targets.append(Target(position: 2 * place, token: bit))
          }
          if place < count - 1 { tokens[2 * place + 1] = bit }
        }
      }
      random = source
    }
  }

  public func write(using random: inout RandomSource, split: Split, into example: inout Example) {
    writeDealt(using: &random, split: split, into: &example)
  }

  /// An instruction after those that write every register first; the last one is a read.
  private func draw(isLast: Bool, using random: inout RandomSource) -> Int32 {
    if !isLast, UInt64(random.nextWord()) < ignoreBelow { return Self.ignore }
    let register = registers == 1 ? 0 : random.uniform(below: registers)
    return isLast || random.bit() == 1 ? read(from: register) : write(to: register)
  }

  /// The bit that follows an instruction; a write keeps it.
  private func execute(
    _ instruction: Int32, _ bits: UnsafeMutableBufferPointer<Int32>,
    using random: inout RandomSource
  ) -> Int32 {
    if isRead(instruction) { return bits[Int(instruction) - 3 - registers] }
    let bit = Int32(random.bit())
    if instruction > Self.ignore { bits[Int(instruction) - 3] = bit }
    return bit
  }

  private func isRead(_ instruction: Int32) -> Bool { instruction >= read(from: 0) }

  /// Looks back from every read to the write of its register.
  public func solve(_ tokens: [Int32]) -> [Target] {
    stride(from: 0, to: tokens.count, by: 2).filter { isRead(tokens[$0]) }.compactMap { position in
      let written = tokens[position] - Int32(registers)
      let source = stride(from: position - 2, through: 0, by: -2).first { tokens[$0] == written }
      return source.map { Target(position: position, token: tokens[$0 + 1]) }
    }
  }

  /// A coin.
  public func guess(_ tokens: [Int32], using random: inout RandomSource) -> [Target] {
    stride(from: 0, to: tokens.count, by: 2).filter { isRead(tokens[$0]) }.map {
      Target(position: $0, token: Int32(random.bit()))
    }
  }

  /// The bit just before, written, ignored or read.
  public var baselines: [Baseline] {
    [
      Baseline(name: "latest bit") { tokens, positions, _ in
        positions.map { Prediction(token: tokens[Int($0) - 1]) }
      }
    ]
  }

  public func describe(_ example: Example) -> [String] {
    example.tokens.enumerated().map { position, token in
      if position % 2 == 1 { return "bit \(token)" }
      if token == Self.ignore { return "ignore \(token)" }
      let register = (Int(token) - 3) % registers + 1
      let name = registers == 1 ? "" : "[\(register)]"
      return (isRead(token) ? "read" : "write") + name + " \(token)"
    }
  }
}
