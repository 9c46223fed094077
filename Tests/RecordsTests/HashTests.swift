import Configuration
import Testing

@testable import Records

@Suite struct HashTests {
  /// The vectors of FIPS 180-4's examples, and one block boundary's each side.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
        + "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func knownHashes(text: String, hash: String) {
    #expect(contentHash(Array(text.utf8)) == hash)
  }

  /// Computed with `sha256sum`.
  @Test(arguments: [
    (55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
    (56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
    (64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
    (1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
  ])
  func lengthsAroundABlock(count: Int, hash: String) {
    #expect(contentHash([UInt8](repeating: UInt8(ascii: "a"), count: count)) == hash)
  }

  @Test func keysDependOnEverySetting() throws {
    let versions = Samples.versions
    let key = CellKey.make(configuration: try Samples.configuration(), versions: versions)
    var changed = [
      CellKey.make(configuration: try Samples.configuration(seed: 1), versions: versions),
      CellKey.make(configuration: try Samples.configuration(learningRate: 0.2), versions: versions),
    ]
    var newer = versions
    newer.task = 3
    changed.append(CellKey.make(configuration: try Samples.configuration(), versions: newer))
    var other = try Samples.configuration()
    other.model.mixers[0].settings["heads"] = .integer(4)
    changed.append(CellKey.make(configuration: other, versions: versions))
    #expect(Set(changed + [key]).count == 5)
    #expect(CellKey.isValid(key))
  }

  /// A key that changes by accident would make every store worthless.
  @Test func keyOfAKnownConfiguration() throws {
    let key = CellKey.make(configuration: try Samples.configuration(), versions: Samples.versions)
    #expect(key == "5e6ee5de070a0eb7")
  }

  @Test(arguments: ["../../etc/passwd", "", "0123456789abcdeF", "0123456789abcde", "a/b"])
  func namesThatAreNoKeys(text: String) {
    #expect(!CellKey.isValid(text))
  }
}
