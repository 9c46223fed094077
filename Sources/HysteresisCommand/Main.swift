import HysteresisKit

@main
struct Main {
  static func main() { Hysteresis.main() }
}
