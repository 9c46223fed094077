/// A row-major array in double precision, for references.
///
/// References run unoptimised in tests, where an access to a Swift array takes as long as dozens of
/// operations: it retains and releases the array, and a list of indices is an array of its own.
/// Hence the accesses by two and three indices, and the loops over pointers below.
package struct DoubleArray: Sendable {
  package var shape: [Int]
  package var values: [Double]

  package init(_ shape: [Int], _ values: [Double]) {
    precondition(shape.reduce(1, *) == values.count, "\(values.count) values for \(shape)")
    self.shape = shape
    self.values = values
  }

  package init(_ shape: [Int]) {
    self.init(shape, [Double](repeating: 0, count: shape.reduce(1, *)))
  }

  /// Row-major access by one index per axis.
  package subscript(_ index: Int...) -> Double {
    get { values[position(index)] }
    set { values[position(index)] = newValue }
  }

  /// Access to a matrix.
  package subscript(_ row: Int, _ column: Int) -> Double {
    get { values[row * shape[1] + column] }
    set { values[row * shape[1] + column] = newValue }
  }

  /// Access to an array of three axes.
  package subscript(_ i: Int, _ j: Int, _ k: Int) -> Double {
    get { values[(i * shape[1] + j) * shape[2] + k] }
    set { values[(i * shape[1] + j) * shape[2] + k] = newValue }
  }

  private func position(_ index: [Int]) -> Int {
    var position = 0
    for axis in 0..<shape.count { position = position * shape[axis] + index[axis] }
    return position
  }

  /// The rows times a matrix, each sum from the bias's element on.
  func times(_ matrix: DoubleArray, from bias: DoubleArray? = nil) -> DoubleArray {
    let (inputs, columns) = (matrix.shape[0], matrix.shape[1])
    precondition(shape.last == inputs && bias?.values.count ?? columns == columns)
    var product = DoubleArray(shape.dropLast() + [columns])
    var row = 0
    while row * columns < product.values.count {
      if let bias {
        addMultiple(1, of: bias.values, 0, to: &product.values, row * columns, columns)
      }
      var index = 0
      while index < inputs {
        addMultiple(
          values[row * inputs + index], of: matrix.values, index * columns,
          to: &product.values, row * columns, columns)
        index += 1
      }
      row += 1
    }
    return product
  }
}

/// The sum of the products of `count` elements of x from a on and of y from b on.
func dot(
  _ x: UnsafePointer<Double>, _ a: Int, _ y: UnsafePointer<Double>, _ b: Int, _ count: Int
) -> Double {
  let (x, y) = (x + a, y + b)
  var sum = 0.0
  var index = 0
  while index < count {
    sum += x[index] * y[index]
    index += 1
  }
  return sum
}

/// Adds a multiple of `count` elements of x from a on to those of y from b on.
func addMultiple(
  _ factor: Double, of x: UnsafePointer<Double>, _ a: Int, to y: UnsafeMutablePointer<Double>,
  _ b: Int, _ count: Int
) {
  let (x, y) = (x + a, y + b)
  var index = 0
  while index < count {
    y[index] += factor * x[index]
    index += 1
  }
}
