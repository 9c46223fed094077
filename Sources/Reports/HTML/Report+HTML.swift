import Records

extension Report {
  /// The report as one page that needs nothing else: tables to sort and filter, and plots.
  ///
  /// Names from records are in its data alone, from where the script writes them as texts; the
  /// page's policy forbids every other script and every connection.
  public func html() -> String {
    PageParts.filled([
      "title": Escaping.xml(name), "description": Escaping.xml(description),
      "style": PageParts.style, "script": PageParts.script, "policy": PageParts.policy,
      "data": PageParts.harmless(RecordCoding.compact(PageData(self))),
    ])
  }
}
