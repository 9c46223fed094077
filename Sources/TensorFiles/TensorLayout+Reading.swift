import Platform

extension TensorLayout {
  /// Reads a header that may come from anywhere.
  ///
  /// - Parameters:
  ///   - header: The bytes behind the length, as many as it says.
  ///   - fileSize: The bytes of the whole file.
  /// - Throws: `TensorLayoutProblem` for anything that the format does not allow.
  package init(header: [UInt8], fileSize: Int) throws(TensorLayoutProblem) {
    var scanner = HeaderScanner(header)
    let (metadata, entries) = try scanner.header()
    let start = Self.lengthBytes + header.count
    guard start <= fileSize else {
      throw TensorLayoutProblem("the header is longer than the file")
    }
    var places: [Place] = []
    for entry in entries { places.append(try entry.place) }
    places.sort {
      ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
    }
    try Self.check(places, fill: fileSize - start)
    self.init(metadata: metadata, relative: places, start: start)
  }

  /// Checks that tensors in the order of their places leave no byte out and share none.
  private static func check(_ places: [Place], fill count: Int) throws(TensorLayoutProblem) {
    var end = 0
    for place in places {
      let name = place.tensor.name.quotable
      guard place.bytes.lowerBound >= end else {
        throw TensorLayoutProblem("tensor '\(name)' overlaps another")
      }
      guard place.bytes.lowerBound == end else {
        throw TensorLayoutProblem("nothing lies in front of tensor '\(name)'")
      }
      end = place.bytes.upperBound
    }
    guard end == count else {
      throw TensorLayoutProblem("the tensors have \(end) bytes, the file \(count)")
    }
  }
}

/// A tensor as the header states it.
struct HeaderEntry {
  let name: String
  var type: String?
  var shape: [Int]?
  var offsets: [Int]?

  /// The tensor and its bytes, counted from the end of the header.
  var place: TensorLayout.Place {
    get throws(TensorLayoutProblem) {
      let shown = name.quotable
      guard let type, let shape, let offsets else {
        throw TensorLayoutProblem("tensor '\(shown)' lacks its dtype, shape or data_offsets")
      }
      guard let element = ElementType(rawValue: type) else {
        throw TensorLayoutProblem("tensor '\(shown)' has the unknown dtype '\(type.quotable)'")
      }
      guard offsets.count == 2, offsets[0] <= offsets[1] else {
        throw TensorLayoutProblem("tensor '\(shown)' has data_offsets that are no range")
      }
      let tensor = TensorDescription(name, element, shape)
      guard tensor.byteCount == offsets[1] - offsets[0] else {
        throw TensorLayoutProblem("tensor '\(shown)' has other bytes than its shape needs")
      }
      return TensorLayout.Place(tensor: tensor, bytes: offsets[0]..<offsets[1])
    }
  }
}
