/// Names the tasks or models of a grid by what distinguishes them from each other, and by nothing
/// else, unless the grid gives a label.
struct LabelMaker {
  /// A setting for labels: one text, or one for each split of a task.
  struct Field: Sendable {
    /// As in `length=64`.
    let texts: [String]
    /// A choice by its value alone, as in `signed`; nil for other settings.
    let bare: String?
  }

  /// A name and the settings that belong right behind it.
  struct Part: Sendable {
    let name: String
    let fields: [Field]
  }

  struct Item: Sendable {
    let label: ConfigLabel?
    /// The mixers of a pattern; one for anything else.
    let parts: [Part]
    /// The settings of the whole.
    let fields: [Field]
  }

  private struct GroupKey: Hashable {
    let isExplicit: Bool
    let name: String
  }

  /// The labels of different items, in their order; no two are equal.
  ///
  /// - Parameters:
  ///   - items: The items to name.
  ///   - kind: What they are, for messages.
  /// - Returns: One label for each item.
  /// - Throws: `GridError` where the grid gives one label to two items.
  static func labels(of items: [Item], _ kind: String) throws(GridError) -> [String] {
    try checkExplicit(items, kind)
    let groups = Dictionary(grouping: items.indices) { index in
      GroupKey(isExplicit: items[index].label != nil, name: items[index].name)
    }
    var labels = items.map(\.name)
    for group in groups.values where group.count > 1 {
      let members = group.map { items[$0] }
      for index in group { labels[index] = items[index].name(among: members) }
    }
    return unique(labels, explicit: items.map { $0.label != nil })
  }

  private static func checkExplicit(_ items: [Item], _ kind: String) throws(GridError) {
    var first: [String: SourcePosition] = [:]
    for label in items.compactMap(\.label) {
      guard let other = first.updateValue(label.position, forKey: label.text) else { continue }
      guard other == label.position else {
        throw GridError(
          label.position, "the label '\(label.text)' names two different \(kind)s",
          help: "it is also given in \(other.short); choose another")
      }
    }
  }

  /// Shortens what is too long for a table, and numbers what is still the same.
  private static func unique(_ labels: [String], explicit: [Bool]) -> [String] {
    let limit = ConfigLabel.maximumLength
    let labels = labels.map { $0.count > limit ? $0.prefix(limit - 1) + "…" : $0 }
    var used: Set<String> = []
    var result = labels
    // Labels that the user gave come first, so that only automatic ones are numbered.
    let order = labels.indices.filter { explicit[$0] } + labels.indices.filter { !explicit[$0] }
    for index in order {
      var number = 1
      while !used.insert(result[index]).inserted {
        number += 1
        result[index] = "\(labels[index]) #\(number)"
      }
    }
    return result
  }
}

extension LabelMaker.Item {
  fileprivate var name: String {
    label?.text ?? parts.map(\.name).joined(separator: "+")
  }

  /// The name with the settings that differ among the members of its group.
  fileprivate func name(among members: [Self]) -> String {
    let names = parts.map(\.name)
    let areAlike = members.allSatisfy { $0.parts.map(\.name) == names }
    let details = parts.indices.map { index in
      areAlike ? varying(parts[index].fields, in: members.map { $0.parts[index].fields }) : []
    }
    let own = varying(fields, in: members.map(\.fields))
    guard let label else {
      let words = zip(names, details).map { ([$0] + $1).joined(separator: " ") }
      return ([words.joined(separator: "+")] + own).joined(separator: " ")
    }
    return ([label.text] + details.joined() + own).joined(separator: " ")
  }

  private func varying(
    _ fields: [LabelMaker.Field], in members: [[LabelMaker.Field]]
  ) -> [String] {
    let indices = fields.indices.filter { index in
      members.contains { $0[index].texts != fields[index].texts }
    }
    let choices = indices.filter { fields[$0].bare != nil }
    return indices.flatMap { index in
      let isBare = choices.count == 1 && members.allSatisfy { $0[index].isOne }
      if isBare, let bare = fields[index].bare { return [bare] }
      return fields[index].words(among: members.map { $0[index] })
    }
  }
}

extension LabelMaker.Field {
  /// Whether all splits agree.
  fileprivate var isOne: Bool { texts.allSatisfy { $0 == texts.first } }

  /// The field once where all splits of all members agree, else for every split that differs.
  fileprivate func words(among members: [Self]) -> [String] {
    if members.allSatisfy(\.isOne) { return Array(texts.prefix(1)) }
    return texts.indices.filter { index in
      members.contains { $0.texts[index] != texts[index] }
    }.map { TaskReader.splits[$0] + "." + texts[$0] }
  }
}
