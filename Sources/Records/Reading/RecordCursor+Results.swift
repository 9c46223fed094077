import Configuration

// The parts of a record that differ from cell to cell.

extension RecordCursor {
  mutating func scores() throws(UnfamiliarJSON) -> Scores {
    try open()
    let answerAccuracy = isNext("answerAccuracy") ? try number() : nil
    let answers = isNext("answers") ? try integer() : nil
    try member("exampleAccuracy")
    let exampleAccuracy = try number()
    try member("examples")
    let examples = try integer()
    let grammarAccuracy = isNext("grammarAccuracy") ? try number() : nil
    try member("loss")
    let loss = try number()
    try member("sequenceAccuracy")
    let sequenceAccuracy = try number()
    try member("tokenAccuracy")
    let tokenAccuracy = try number()
    try member("tokens")
    let tokens = try integer()
    let totalVariation = isNext("totalVariation") ? try number() : nil
    try close()
    return Scores(
      tokenAccuracy: tokenAccuracy, exampleAccuracy: exampleAccuracy,
      sequenceAccuracy: sequenceAccuracy, loss: loss, tokens: tokens, examples: examples,
      answerAccuracy: answerAccuracy, answers: answers, grammarAccuracy: grammarAccuracy,
      totalVariation: totalVariation)
  }

  mutating func training() throws(UnfamiliarJSON) -> TrainingFacts {
    try open()
    try member("curve")
    let curve = try list { (cursor) throws(UnfamiliarJSON) in try cursor.point() }
    try member("examples")
    let examples = try integer()
    try member("selectedStep")
    let selectedStep = try integer()
    try member("steps")
    let steps = try integer()
    try member("stoppedEarly")
    let stoppedEarly = try flag()
    try member("tokens")
    let tokens = try integer()
    try close()
    return TrainingFacts(
      steps: steps, selectedStep: selectedStep, examples: examples, tokens: tokens,
      stoppedEarly: stoppedEarly, curve: curve)
  }

  private mutating func point() throws(UnfamiliarJSON) -> CurvePoint {
    try open()
    try member("learningRate")
    let learningRate = try number()
    try member("loss")
    let loss = try number()
    try member("step")
    let step = try integer()
    try member("validation")
    let validation = try scores()
    try close()
    return CurvePoint(step: step, loss: loss, learningRate: learningRate, validation: validation)
  }

  mutating func grids() throws(UnfamiliarJSON) -> [GridResult] {
    try list { (cursor) throws(UnfamiliarJSON) in
      try cursor.open()
      try cursor.member("cells")
      let cells = try cursor.list { (cursor) throws(UnfamiliarJSON) in try cursor.gridCell() }
      try cursor.member("columns")
      let columns = try cursor.text()
      try cursor.member("rows")
      let rows = try cursor.text()
      try cursor.close()
      return GridResult(rows: rows, columns: columns, cells: cells)
    }
  }

  private mutating func gridCell() throws(UnfamiliarJSON) -> GridResult.Cell {
    try open()
    try member("column")
    let column = try ends()
    try member("row")
    let row = try ends()
    try member("scores")
    let scores = try scores()
    try close()
    return GridResult.Cell(row: row, column: column, scores: scores)
  }

  private mutating func ends() throws(UnfamiliarJSON) -> ClosedRange<Int> {
    let ends = try list { (cursor) throws(UnfamiliarJSON) in try cursor.integer() }
    guard ends.count == 2, ends[0] <= ends[1] else { throw UnfamiliarJSON() }
    return ends[0]...ends[1]
  }
}
