import Configuration
public import Records

extension Report {
  /// The learning curves of all cells, a row for each validation, in the form of RFC 4180.
  ///
  /// It is the long form that plotting tools take: `tuned` has the settings that are chosen on
  /// validation (`learningRate=0.003`), `loss` is the mean training loss since the row before,
  /// `learningRate` that of the step, `score` the validation score by the metric. Names are those of
  /// the other tables. There are no event files of TensorBoard: nothing that writes them comes
  /// without a dependency, and this reads into a data frame as it is.
  ///
  /// - Parameters:
  ///   - records: The records, in any order; models that were trained elsewhere have no curves.
  ///   - grid: The plan, for the order of the rows.
  /// - Returns: The text; its lines end in CR and LF.
  public static func curvesCSV(records: [CellRecord], grid: GridManifest? = nil) -> String {
    let current = Self.current(records, grid).sorted { $0.key < $1.key }
    var text =
      "key,task,model,seed,tuned,step,loss,learningRate,metric,score,validationLoss\r\n"
    for named in NamedGroup.all(current, order: LabelOrder(grid)) {
      let names = Escaping.csv(named.names.task) + "," + Escaping.csv(named.names.model)
      for candidate in named.group.candidates {
        let tuned = candidate.tuned.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        for record in candidate.records {
          let cell = "\(record.key),\(names),\(record.configuration.seed),\(Escaping.csv(tuned)),"
          for point in record.training.curve {
            text += cell + "\(point.step),"
            text += curveNumber(point.loss) + "," + curveNumber(point.learningRate) + ","
            text += Escaping.csv(record.task.metric) + ","
            text += curveNumber(point.validation.value(record.task.metric)) + ","
            text += curveNumber(point.validation.loss) + "\r\n"
          }
        }
      }
    }
    return text
  }
}

/// The number with all its digits; nothing for one that is missing or not finite.
private func curveNumber(_ value: Double?) -> String {
  guard let value, value.isFinite else { return "" }
  return "\(value)"
}
