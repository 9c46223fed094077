import Harness
import Platform
import Records

/// Cells that other processes train.
extension RunCommand {
  /// What a worker is told beside the grid, the store and the number of jobs.
  var workerArguments: [String] {
    var arguments = grid.overrides.map { "--set=\($0)" }
    if let seeds = grid.seeds { arguments.append("--seeds=\(seeds)") }
    arguments += grid.only.map { "--only=\($0)" }
    if retryFailed { arguments.append("--retry-failed") }
    if let maxfail { arguments.append("--maxfail=\(maxfail)") }
    arguments.append("--checkpoint-every=\(checkpointEvery)")
    if checkpoints { arguments.append("--checkpoints") }
    if noWait { arguments.append("--no-wait") }
    // A worker that was given GPUs must not fall back to the processor.
    let device =
      self.device.device == "auto" && launch.gpus != nil ? "cuda:all" : self.device.device
    if device != "auto" { arguments.append("--device=\(device)") }
    if let level = self.device.cpu { arguments.append("--cpu=\(level)") }
    return arguments
  }

  /// Submits workers for the cells that are missing.
  func submit(_ plan: Plan, to store: RunStore) throws {
    let runner = GridRunner(
      Hysteresis.registries, store: store, jobs: 1, devices: .processor, options: options)
    let workload = try runner.workload(plan, retryFailed: retryFailed)
    let launch = try SlurmLaunch(self, workload, folder: store.folder)
    if dryRun { return printScript(launch) }
    if workload.pending.isEmpty {
      if !quiet { Console.talk("nothing is missing in \(store.folder), so nothing was submitted") }
      return try printResults(of: store)
    }
    try prepare(store, runner)
    let answer = try launch.submit()
    guard self.launch.watch else { return printJob(answer) }
    if !quiet { Console.talk("submitted job \(answer.job), \(workers(answer))") }
    try follow(workload, in: store, job: answer.job)
  }

  /// Follows a store that others fill.
  func follow(_ plan: Plan, in store: RunStore) throws {
    let runner = GridRunner(
      Hysteresis.registries, store: store, jobs: 1, devices: .processor, options: options)
    try follow(try runner.workload(plan, retryFailed: retryFailed), in: store, job: nil)
  }

  private func follow(_ workload: Workload, in store: RunStore, job: String?) throws {
    Interrupts.install()
    let watch = StoreWatch(workload, in: store, job: job, quiet: quiet)
    let outcome = try watch.follow()
    try printResults(of: store)
    try end(outcome, workload, folder: store.folder)
  }

  private func printScript(_ launch: SlurmLaunch) {
    switch format {
    case .text: StandardStream.write(launch.script.text, to: .output)
    case .json: Console.json(["script": launch.script.text])
    }
  }

  private func printJob(_ answer: SlurmLaunch.Answer) {
    if format == .json { return Console.json(answer) }
    Console.output("submitted job \(answer.job)")
    guard !quiet else { return }
    Console.talk("\(workers(answer)); 'hysteresis run' with --watch in place of --launcher follows")
    Console.talk("the script and the workers' logs are in \(answer.folder)/slurm")
  }

  private func workers(_ answer: SlurmLaunch.Answer) -> String {
    "\(answer.workers) workers for \(answer.pending) cells"
  }
}
