import Configuration

/// Reads records in the form in which the program writes them, fast.
///
/// What this reader does not know (a member of another version, an unusual order) it leaves to the
/// general decoder, so it never decides what is a record: it reads the same or nothing. A test
/// fails when the program itself writes what it does not know.
struct RecordReader {
  private var models = DecodedParts<ModelConfiguration>()
  private var tasks = DecodedParts<TaskConfiguration>()
  private var trainings = DecodedParts<TrainingConfiguration>()
  private var labels = DecodedParts<CellLabels>()
  private var versions = DecodedParts<CellVersions>()
  private var tuned = DecodedParts<[String]>()
  private var texts = DecodedParts<String>()
  private var taskFacts = DecodedParts<TaskFacts>()
  private var modelFacts = DecodedParts<ModelFacts>()
  private var externals = DecodedParts<ExternalFacts>()
  private var settings = DecodedParts<[String: SettingValue]>()

  init() {}

  /// The record of some compact JSON; nil where it is none, or none of the usual form.
  mutating func record(_ content: UnsafeBufferPointer<UInt8>) -> CellRecord? {
    var cursor = RecordCursor(content)
    guard let record = try? record(&cursor), cursor.isAtEnd else { return nil }
    return record
  }

  /// The timing of some compact JSON; nil likewise.
  mutating func timing(_ content: UnsafeBufferPointer<UInt8>) -> CellTiming? {
    var cursor = RecordCursor(content)
    guard let timing = try? timing(&cursor), cursor.isAtEnd else { return nil }
    return timing
  }

  private mutating func record(_ cursor: inout RecordCursor) throws(UnfamiliarJSON) -> CellRecord {
    try cursor.open()
    try cursor.member("configuration")
    let configuration = try configuration(&cursor)
    let external = cursor.isNext("external") ? try externals.value(try cursor.raw()) : nil
    try cursor.member("key")
    let key = try cursor.text()
    try cursor.member("labels")
    let labels = try labels.value(try cursor.raw())
    let model = cursor.isNext("model") ? try modelFacts.value(try cursor.raw()) : nil
    let reason = cursor.isNext("reason") ? try texts.value(try cursor.raw()) : nil
    try cursor.member("schema")
    let schema = try cursor.integer()
    try cursor.member("status")
    guard let status = CellRecord.Status(rawValue: try cursor.text()) else {
      throw UnfamiliarJSON()
    }
    try cursor.member("task")
    let task = try taskFacts.value(try cursor.raw())
    try cursor.member("test")
    let test = try segments(&cursor)
    let testOverall = cursor.isNext("testOverall") ? try cursor.scores() : nil
    try cursor.member("training")
    let training = try cursor.training()
    try cursor.member("tuned")
    let tuned = try tuned.value(try cursor.raw())
    let validation = cursor.isNext("validation") ? try cursor.scores() : nil
    try cursor.member("versions")
    let versions = try versions.value(try cursor.raw())
    try cursor.close()
    var record = CellRecord(
      key: key, labels: labels, configuration: configuration, tuned: tuned, versions: versions,
      status: status, reason: reason, task: task, model: model, training: training,
      validation: validation, test: test, testOverall: testOverall, external: external)
    record.schema = schema
    return record
  }

  private mutating func configuration(
    _ cursor: inout RecordCursor
  ) throws(UnfamiliarJSON) -> CellConfiguration {
    try cursor.open()
    try cursor.member("model")
    let model = try models.value(try cursor.raw())
    try cursor.member("seed")
    let seed = try cursor.integer()
    try cursor.member("task")
    let task = try tasks.value(try cursor.raw())
    try cursor.member("training")
    let training = try trainings.value(try cursor.raw())
    try cursor.close()
    return CellConfiguration(task: task, model: model, training: training, seed: seed)
  }

  private mutating func segments(
    _ cursor: inout RecordCursor
  ) throws(UnfamiliarJSON) -> [SegmentResult] {
    try cursor.list { (cursor) throws(UnfamiliarJSON) in
      try cursor.open()
      let baselines = cursor.isNext("baselines") ? try baselines(&cursor) : nil
      try cursor.member("chance")
      let chance = try cursor.number()
      try cursor.member("examples")
      let examples = try cursor.integer()
      let grids = cursor.isNext("grids") ? try cursor.grids() : nil
      try cursor.member("scores")
      let scores = try cursor.scores()
      try cursor.member("settings")
      let settings = try settings.value(try cursor.raw())
      try cursor.member("slices")
      let slices = try slices(&cursor)
      try cursor.close()
      return SegmentResult(
        settings: settings, examples: examples, chance: chance, scores: scores, slices: slices,
        grids: grids, baselines: baselines)
    }
  }

  private mutating func baselines(
    _ cursor: inout RecordCursor
  ) throws(UnfamiliarJSON) -> [BaselineResult] {
    try cursor.list { (cursor) throws(UnfamiliarJSON) in
      try cursor.open()
      try cursor.member("name")
      let name = try texts.value(try cursor.raw())
      try cursor.member("scores")
      let scores = try cursor.scores()
      try cursor.member("slices")
      let slices = try slices(&cursor)
      try cursor.close()
      return BaselineResult(name: name, scores: scores, slices: slices)
    }
  }

  private mutating func slices(
    _ cursor: inout RecordCursor
  ) throws(UnfamiliarJSON) -> [SliceResult] {
    try cursor.list { (cursor) throws(UnfamiliarJSON) in
      try cursor.open()
      try cursor.member("from")
      let from = try cursor.integer()
      try cursor.member("name")
      let name = try texts.value(try cursor.raw())
      try cursor.member("scores")
      let scores = try cursor.scores()
      try cursor.member("to")
      let to = try cursor.integer()
      try cursor.close()
      return SliceResult(name: name, from: from, to: to, scores: scores)
    }
  }

  private mutating func timing(_ cursor: inout RecordCursor) throws(UnfamiliarJSON) -> CellTiming {
    try cursor.open()
    try cursor.member("cpu")
    let cpu = try texts.value(try cursor.raw())
    try cursor.member("cpuLevel")
    let cpuLevel = try texts.value(try cursor.raw())
    try cursor.member("device")
    let device = try texts.value(try cursor.raw())
    try cursor.member("evaluateSeconds")
    let evaluateSeconds = try cursor.number()
    try cursor.member("host")
    let host = try texts.value(try cursor.raw())
    try cursor.member("jobs")
    let jobs = try cursor.integer()
    try cursor.member("key")
    let key = try cursor.text()
    try cursor.member("program")
    let program = try texts.value(try cursor.raw())
    let resumptions = cursor.isNext("resumptions") ? try cursor.integer() : nil
    try cursor.member("startedAt")
    let startedAt = try cursor.text()
    try cursor.member("stepsPerSecond")
    let stepsPerSecond = try cursor.number()
    try cursor.member("tokensPerSecond")
    let tokensPerSecond = try cursor.number()
    try cursor.member("trainSeconds")
    let trainSeconds = try cursor.number()
    try cursor.member("wallSeconds")
    let wallSeconds = try cursor.number()
    try cursor.close()
    return CellTiming(
      key: key, wallSeconds: wallSeconds, trainSeconds: trainSeconds,
      evaluateSeconds: evaluateSeconds, tokensPerSecond: tokensPerSecond,
      stepsPerSecond: stepsPerSecond, host: host, cpu: cpu, cpuLevel: cpuLevel, device: device,
      jobs: jobs, startedAt: startedAt, program: program, resumptions: resumptions)
  }
}
