import Testing

@testable import Records

@Suite struct JSONTextTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func prettyBreaksOnlyWhatDoesNotFit() {
    let compact = #"{"a":[1,2,3],"b":{"c":"x, y: [z]","d":{}},"e":[]}"#
    #expect(
      text(JSONText.pretty(Array(compact.utf8), width: 30)) == """
        {
          "a": [1, 2, 3],
          "b": {
            "c": "x, y: [z]",
            "d": {}
          },
          "e": []
        }

        """)
    #expect(
      text(JSONText.pretty(Array(compact.utf8)))
        == #"{"a": [1, 2, 3], "b": {"c": "x, y: [z]", "d": {}}, "e": []}"# + "\n")
  }

  @Test(arguments: [
    #"{"a":[1,-2.5e-9,null,true],"b":{"c":"\"\\ { , ","d":[{},[]]}}"#, #"[[[[]]],{"a":{}}]"#, "3",
    #""text""#,
  ])
  func compactUndoesPretty(json: String) {
    for width in [1, 10, 20, 40, 100] {
      #expect(text(JSONText.compact(JSONText.pretty(Array(json.utf8), width: width))) == json)
    }
  }

  @Test func noLineIsLongerThanTheWidthUnlessAValueIs() {
    let items = (0..<40).map { #"{"number":\#($0),"list":[\#($0),2,3]}"# }.joined(separator: ",")
    let json = "[" + items + "]"
    for line in text(JSONText.pretty(Array(json.utf8), width: 32)).split(separator: "\n") {
      #expect(line.count <= 32)
    }
  }

  @Test func leavesCarryTheirPaths() {
    let json = #"{"a":{"b":[1,{"c":"x\"y"}]},"d":[],"e":1.5}"#
    let leaves = JSONText.leaves(Array(json.utf8)).map { $0.path + "=" + $0.text }
    #expect(leaves == ["a.b.0=1", #"a.b.1.c=x\"y"#, "d=[]", "e=1.5"])
  }

  @Test(arguments: ["{", "[1,", "{\"a\"", "\"", "}", "{\"a\":[}", ",,", ""])
  func damagedTextsEnd(json: String) {
    _ = JSONText.leaves(Array(json.utf8))
    #expect(JSONText.compact(Array(json.utf8)).count <= json.utf8.count)
  }
}
