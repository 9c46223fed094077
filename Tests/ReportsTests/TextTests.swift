import Testing

@testable import Reports

@Suite struct TextTests {
  @Test(arguments: [
    (0.98149, 3, "0.981"), (0.9995, 3, "1.000"), (1, 0, "1"), (-0.0001, 3, "0.000"),
    (-1.25, 1, "-1.3"), (12.005, 1, "12.0"), (.nan, 3, "–"), (.infinity, 2, "–"),
  ])
  func fixedDecimals(value: Double, decimals: Int, text: String) {
    #expect(NumberText.fixed(value, decimals) == text)
  }

  @Test(arguments: [
    (0.001, "0.001"), (0.00031622776, "3.16e-4"), (1e-5, "1e-5"), (9.999e-5, "1e-4"), (1.5, "1.5"),
    (128_000, "128000"), (12_345_678, "1.23e7"), (0, "0"), (-0.25, "-0.25"), (0.3, "0.3"),
  ])
  func shortNumbers(value: Double, text: String) {
    #expect(NumberText.short(value) == text)
  }

  @Test func counts() {
    #expect(
      [0, 999, 1000, 421_888, -1_234_567].map(NumberText.count)
        == ["0", "999", "1,000", "421,888", "-1,234,567"])
    #expect(
      [0, 512, 1024, 1536, 32768, 5 << 20, 3 << 40].map(NumberText.bytes)
        == ["0 B", "512 B", "1 KiB", "1.5 KiB", "32 KiB", "5 MiB", "3 TiB"])
    #expect(
      [12, 1234, 49_380, 999_600, 20_500_000].map(NumberText.rate)
        == ["12", "1.23 k", "49.4 k", "1.00 M", "20.5 M"])
  }

  @Test func settingsAreShortenedOnlyWhereTheyAreLongNumbers() {
    #expect(NumberText.setting("0.00031622776601683794") == "3.16e-4")
    #expect(NumberText.setting("cosine-with-restarts") == "cosine-with-restarts")
    #expect(NumberText.setting("0.001") == "0.001")
  }

  @Test func tablesWrapByColumnsAndNeverCutNumbers() {
    var table = TextTable([.init("name", .left), .init("one"), .init("two"), .init("three")])
    table.add(["a", "1.000 ±0.100", "22", "3"])
    table.add(["long name", "0.5", "", "333333333333333333"])
    #expect(
      table.text(width: 24, colour: false) == """
        name                one
        ─────────  ────────────
        a          1.000 ±0.100
        long name    0.5

        name       two
        ─────────  ───
        a           22
        long name

        name                    three
        ─────────  ──────────────────
        a                           3
        long name  333333333333333333

        """)
    #expect(table.text(width: 80, colour: false).split(separator: "\n").count == 4)
  }

  @Test func wideCharactersKeepColumnsStraight() {
    var table = TextTable([.init("name", .left), .init("x")])
    table.add(["名前", "1"])
    table.add(["e\u{301}", "2"])
    let lines = table.text(width: 80, colour: false).split(separator: "\n").map(String.init)
    #expect(Set(lines.dropFirst(2).map(displayWidth)).count == 1)
  }

  @Test func markdownTables() {
    var table = TextTable([.init("a|b", .left), .init("n")])
    table.add(["x\ny", .init("1", .strong)])
    table.add([.init("<b>", .faint), .init("", .strong)])
    #expect(
      table.markdown() == """
        | a\\|b | n |
        | :--- | ---: |
        | x y | **1** |
        | *&lt;b&gt;* |  |

        """)
  }

  @Test func naturalOrder() {
    let names = ["d=16 b", "d=8", "a", "d=128", "d=16"]
    #expect(names.sorted(by: naturallyPrecedes) == ["a", "d=8", "d=16", "d=16 b", "d=128"])
  }

  @Test func scalesHaveTicksInside() {
    for least in [0.0, 0.1, 0.31, 0.5, 0.77, 0.95, 0.999] {
      let scale = Scale.score([least, 1], start: 100, end: 0)
      #expect(scale.ticks.count >= 2)
      #expect(scale.domain.contains(least))
      #expect(scale.ticks.allSatisfy { scale.domain.contains($0.value + 1e-9) })
    }
    for values in [[1.0], [64, 64], [3, 40], [1, 1e9], [40, 4096], []] {
      let scale = Scale.positive(values, start: 0, end: 200) { "\($0)" }
      #expect((1...8).contains(scale.ticks.count))
      #expect(values.allSatisfy { (0...200).contains(scale.position($0)) })
    }
  }
}
