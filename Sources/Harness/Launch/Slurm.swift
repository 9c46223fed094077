import Platform

/// The scheduler's commands, of which three are used: `sbatch`, `squeue` and `scancel`.
public enum Slurm {
  /// Submits a script.
  ///
  /// - Parameter script: The script's path.
  /// - Returns: The job's number, with the cluster's name behind ";" where there are several.
  /// - Throws: `LaunchError` where there is no Slurm or it refuses.
  public static func submit(_ script: String) throws(LaunchError) -> String {
    let result = try call("sbatch", ["--parsable", script])
    guard result.status == 0 else {
      throw LaunchError("sbatch refuses the job: " + reason(result), .unavailable)
    }
    return result.output.split(separator: "\n").last.map(String.init) ?? ""
  }

  /// How many tasks of a job are waiting or running.
  ///
  /// - Parameter job: The number that `submit` gave.
  /// - Returns: Their number; nil where Slurm does not say.
  public static func activeTasks(of job: String) -> Int? {
    let parts = job.split(separator: ";").map(String.init)
    guard let number = parts.first else { return nil }
    let cluster = parts.count > 1 ? ["--clusters", parts[1]] : []
    let arguments = ["--noheader", "--array", "--jobs", number, "--format", "%T"] + cluster
    guard let result = try? call("squeue", arguments) else { return nil }
    if result.status == 0 {
      return result.output.split(separator: "\n").count { !$0.hasPrefix("CLUSTER") }
    }
    // A job that ended some minutes ago is forgotten.
    return result.errors.contains("Invalid job id") ? 0 : nil
  }

  private static func call(
    _ program: String, _ arguments: [String]
  ) throws(LaunchError) -> Subprocess {
    do {
      return try Subprocess(program, arguments)
    } catch {
      let reason = error.isMissing ? "there is no '\(program)' on this machine" : error.description
      throw LaunchError(
        "\(reason); --launcher slurm needs a machine from which jobs can be submitted",
        .unavailable)
    }
  }

  /// What Slurm said, on one line.
  private static func reason(_ result: Subprocess) -> String {
    let lines = result.errors.split(separator: "\n").map {
      $0.hasPrefix("sbatch: error: ") ? String($0.dropFirst(15)) : String($0)
    }
    return lines.isEmpty ? "status \(result.status)" : lines.joined(separator: "; ")
  }
}
