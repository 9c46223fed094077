import Harness
import Testing

/// Damaged grids give a plan or a one-line refusal; nothing crashes or hangs.
@Suite struct MutationTests {
  @Test(arguments: GoodGrids.all.indices) func damagedGridsAreHandled(_ index: Int) {
    let grid = Array(GoodGrids.all[index].utf8)
    var random = SplitMix(state: UInt64(index))
    var (planned, refused) = (0, 0)
    for _ in 0..<1_700 {
      switch result(of: damaged(grid, using: &random)) {
      case nil: planned += 1
      case let refusal?:
        refused += 1
        #expect(!refusal.isEmpty && refusal.unicodeScalars.allSatisfy { $0.value >= 32 })
      }
    }
    #expect(planned > 0 && refused > 0)
  }

  private func result(of bytes: [UInt8]) -> String? {
    do throws(GridError) {
      _ = try Grid(bytes: bytes, file: "g.yaml").plan(catalog: ToyCatalog.catalog)
      return nil
    } catch {
      return error.description
    }
  }

  /// One to three changes of bytes, words or lines.
  private func damaged(_ grid: [UInt8], using random: inout SplitMix) -> [UInt8] {
    var bytes = grid
    for _ in 0..<Int.random(in: 1...3, using: &random) where bytes.count > 8 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5: damageByte(&bytes, using: &random)
      case 5..<7: damageWord(&bytes, using: &random)
      case 7..<9: damageLine(&bytes, using: &random)
      default: bytes.removeSubrange(Int.random(in: bytes.indices, using: &random)...)
      }
    }
    return bytes
  }

  private func damageByte(_ bytes: inout [UInt8], using random: inout SplitMix) {
    let place = Int.random(in: 0..<bytes.count - 4, using: &random)
    let byte = Self.alphabet.randomElement(using: &random) ?? 0
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes.insert(byte, at: place)
    case 1: bytes.remove(at: place)
    case 2: bytes[place] = byte
    case 3: bytes[place] = UInt8.random(in: 0...255, using: &random)
    default: bytes.insert(contentsOf: bytes[place..<place + 4], at: place)
    }
  }

  /// Replaces a word by something else that YAML can hold.
  private func damageWord(_ bytes: inout [UInt8], using random: inout SplitMix) {
    let words = bytes.split { " ,:[]{}\n".utf8.contains($0) }
    guard let word = words.randomElement(using: &random) else { return }
    let other = Self.words.randomElement(using: &random) ?? ""
    bytes.replaceSubrange(word.indices, with: other.utf8)
  }

  /// Removes a line, repeats it or puts it elsewhere.
  private func damageLine(_ bytes: inout [UInt8], using random: inout SplitMix) {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let line = lines.remove(at: Int.random(in: lines.indices, using: &random))
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      lines.insert(line, at: Int.random(in: 0...lines.count, using: &random))
    }
    bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
  }

  private static let words = [
    "0", "-1", "1e9", "0.5", ".nan", "true", "~", "{}", "[]", "[1, 2]", "{name: gru}", "{from: 1}",
    "{from: 2, to: 9}", "mqar", "attention", "task", "model.mixer", "model.match", "seed", "width",
    "label", "match", "*a", "&a", "!!int", "'", "- -", "? ",
  ]
  private static let alphabet = Array("0123456789.-_eE:,{}[]&*!<>|?'\"#%@`~\\ \n\tabz/=".utf8)
}

/// A small generator, so that the damage is the same everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
