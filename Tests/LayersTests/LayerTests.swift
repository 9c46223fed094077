import Autograd
import CPUBackend
import Configuration
import Layers
import Randomness
import Tensors
import Testing

@Suite struct ParameterTests {
  private func exported(_ parameters: Parameters, seed: UInt64 = 0) throws -> [String: [Float]] {
    let arena = parameters.materialise(
      on: Tape(try CPUBackend()), random: RandomSource(seed: seed))
    return Dictionary(uniqueKeysWithValues: arena.exported().map { ($0.name, $0.elements) })
  }

  @Test func namesAreScoped() {
    let parameters = Parameters()
    let inner = parameters.scoped("layer0").scoped("mixer")
    #expect(inner.parameter("weight", [2, 3], .zeros).name == "layer0.mixer.weight")
    #expect(parameters.count == 6)
    #expect(inner.count == 6)
  }

  @Test func oneParameterMoreChangesNoOther() throws {
    let few = Parameters()
    _ = few.parameter("a", [8], .normal(deviation: 1))
    _ = few.parameter("b", [8], .normal(deviation: 1))
    let many = Parameters()
    _ = many.parameter("b", [8], .normal(deviation: 1))
    _ = many.parameter("extra", [5], .uniform(-1...1), decays: false)
    _ = many.parameter("a", [8], .normal(deviation: 1))
    let (first, second) = (try exported(few), try exported(many))
    #expect(first["a"] == second["a"])
    #expect(first["b"] == second["b"])
    #expect(first["a"] != first["b"])
  }

  @Test func initialLawsHoldWhatTheySay() throws {
    let parameters = Parameters()
    _ = parameters.parameter("normal", [4000], .normal(deviation: 0.02))
    _ = parameters.parameter("uniform", [4000], .uniform(-0.5...0.25))
    _ = parameters.parameter("ones", [3], .ones)
    _ = parameters.parameter("ramp", [3], .elements { [1, 2, 3] })
    _ = parameters.parameter("drawn", [3], .drawn { $0.bit() == 0 ? 5 : 7 })
    let found = try exported(parameters)
    let normal = try #require(found["normal"])
    let mean = normal.reduce(0, +) / 4000
    let deviation = (normal.reduce(0) { $0 + $1 * $1 } / 4000).squareRoot()
    #expect(abs(mean) < 0.002)
    #expect(abs(deviation - 0.02) < 0.001)
    let uniform = try #require(found["uniform"])
    #expect(uniform.allSatisfy { (-0.5...0.25).contains($0) })
    #expect(abs(uniform.reduce(0, +) / 4000 + 0.125) < 0.02)
    #expect(found["ones"] == [1, 1, 1])
    #expect(found["ramp"] == [1, 2, 3])
    #expect(found["drawn"]?.allSatisfy { $0 == 5 || $0 == 7 } == true)
  }

  @Test func namesHashAlikeEverywhere() {
    #expect(stableHash("") == 0xcbf2_9ce4_8422_2325)
    #expect(stableHash("a") == 0xaf63_dc4c_8601_ec8c)
  }
}

@Suite struct ChannelMixerTests {
  private func parameterCount(_ model: [String: SettingValue]) throws -> Int {
    let configuration = try ModelConfiguration(mixers: [], model)
    let parameters = Parameters()
    _ = ChannelMixer(parameters, configuration, initial: .zeros, output: .zeros)
    return parameters.count
  }

  @Test func widthsAreThoseOfThePapers() throws {
    func model(_ mixer: String, ratio: Double = 4) -> [String: SettingValue] {
      ["width": .integer(48), "channelMixer": .text(mixer), "channelRatio": .number(ratio)]
    }
    #expect(try parameterCount(model("none")) == 0)
    #expect(try parameterCount(model("mlp")) == 2 * 48 * 192 + 192 + 48)
    #expect(try parameterCount(model("swiglu")) == 3 * 48 * 128)
    // 48 * 1.3 * 2 / 3 = 41.6 is rounded to 42 and then up to a multiple of 8.
    #expect(try parameterCount(model("swiglu", ratio: 1.3)) == 3 * 48 * 48)
  }

  @Test func normsKeepWhatTheySay() throws {
    for (kind, count) in [(ModelConfiguration.Norm.none, 0), (.rms, 5), (.layer, 10)] {
      let parameters = Parameters()
      let norm = Norm(parameters, kind, width: 5)
      #expect(parameters.count == count)
      let tape = Tape(try CPUBackend(poison: true))
      _ = parameters.materialise(on: tape, random: RandomSource(seed: 0))
      let x: [Float] = [3, -1, 4, 1, -5]
      let y = tape.backend.values(norm(tape.constant(tape.backend.tensor(x, [1, 5]))).value)
      let mean = kind == .layer ? x.reduce(0, +) / 5 : 0
      let size = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 5).squareRoot()
      for (found, element) in zip(y, x) {
        #expect(abs(found - (kind == .none ? element : (element - mean) / size)) < 1e-4)
      }
    }
  }
}
