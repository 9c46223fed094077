import CKernels

extension CPUBackend {
  /// Runs multiply-adds in registers; returns how many floating-point operations that was.
  package func multiplyAddInRegisters(rounds: Int) -> Double {
    // The factor below 1 keeps the numbers finite for any number of rounds.
    let result = kernels.peak(rounds, 0.5)
    precondition(result.isFinite, "the ceiling's loop overflowed")
    return Double(rounds) * 32 * Double(kernels.lanes)
  }
}
