import Configuration
import TaskGenerators

/// One task with one choice of its settings, for tests that run over the catalogue.
struct TaskCase: Sendable, CustomStringConvertible {
  let task: any TaskGenerator
  let description: String

  init(_ task: any TaskGenerator, _ given: [String: SettingValue]) {
    self.task = task
    let settings = given.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    description = ([type(of: task).info.name] + settings).joined(separator: " ")
  }

  /// Every listed task with its defaults, and with one or two settings changed at a time.
  ///
  /// The changes are found from the declarations, so that a new task is tested by being listed.
  /// Choices that the task refuses as impossible are left out; `ContractTests` checks that a
  /// refusal names a declared setting.
  static let all: [TaskCase] = TaskCatalog.all.flatMap { type in
    choices(of: type.info.settings).compactMap { given in
      (try? type.make(given)).map { TaskCase($0, given) }
    }
  }

  /// The defaults, each setting changed alone, and a flag or choice together with any other.
  static func choices(of settings: [Setting]) -> [[String: SettingValue]] {
    var result: [[String: SettingValue]] = [[:]]
    for (place, setting) in settings.enumerated() {
      for value in setting.alternatives {
        result.append([setting.name: value])
        guard isSwitch(setting) else { continue }
        for (other, partner) in settings.enumerated() where other != place {
          for second in partner.alternatives where !isSwitch(partner) || other > place {
            result.append([setting.name: value, partner.name: second])
          }
        }
      }
    }
    return result
  }

  private static func isSwitch(_ setting: Setting) -> Bool {
    switch setting.kind {
    case .flag, .choice: true
    default: false
    }
  }
}

/// The number of an example's scored positions that the answers have right.
func hits(_ answers: [Target], of example: Example) -> Int {
  let given = Dictionary(answers.map { ($0.position, $0.token) }, uniquingKeysWith: { $1 })
  return example.targets.count { given[$0.position] == $0.token }
}
