import CCUDA

/// Page-locked memory through which the host's numbers go to the device without waiting for it.
///
/// A copy reads its part of the ring some time after it was queued, so a part is written again only
/// after the event that follows its copies. Numbers larger than a part go in several copies.
final class StagingRing {
  private static let parts = 8
  private static let partBytes = 1 << 20

  private let stream: CUDAStream
  private let memory: PageLockedBlock
  private var events: [hc_handle?] = []
  private var part = 0
  private var used = 0

  init(_ stream: CUDAStream) throws(CUDAError) {
    self.stream = stream
    memory = try PageLockedBlock(byteCount: Self.parts * Self.partBytes, on: stream.device)
    for _ in 0..<Self.parts {
      var event: hc_handle?
      try stream.device.libraries.check(
        driver.event_create(&event, UInt32(HC_EVENT_NO_TIMING)), "making an event")
      events.append(event)
    }
  }

  deinit {
    for event in events { _ = driver.event_destroy(event) }
  }

  private var driver: hc_driver { stream.device.libraries.driver }

  /// Queues a copy of host memory, which may change as soon as this returns.
  ///
  /// - Returns: The driver's status.
  func send(_ bytes: UnsafeRawBufferPointer, to address: hc_address) -> Int32 {
    var sent = 0
    while sent < bytes.count {
      if used == Self.partBytes {
        let status = turn()
        if status != 0 { return status }
      }
      let count = min(bytes.count - sent, Self.partBytes - used)
      let place = memory.address + part * Self.partBytes + used
      if let base = bytes.baseAddress { place.copyMemory(from: base + sent, byteCount: count) }
      let status = stream.queue {
        driver.copy_in(address + hc_address(sent), place, count, $0)
      }
      if status != 0 { return status }
      sent += count
      // Parts of the ring begin at multiples of 64 bytes.
      used = min(Self.partBytes, (used + count + 63) & ~63)
    }
    return 0
  }

  /// Goes on to the next part once the copies out of it are done.
  private func turn() -> Int32 {
    let status = stream.queue { driver.event_record(events[part], $0) }
    if status != 0 { return status }
    part = (part + 1) % Self.parts
    used = 0
    return driver.event_wait(events[part])
  }
}

/// Page-locked memory of the host, which the device can read by itself.
final class PageLockedBlock {
  let address: UnsafeMutableRawPointer
  private let device: CUDADevice

  init(byteCount: Int, on device: CUDADevice) throws(CUDAError) {
    var address: UnsafeMutableRawPointer?
    try device.libraries.check(
      device.libraries.driver.allocate_host(&address, byteCount, 0),
      "asking for page-locked memory")
    guard let address else { throw CUDAError("the driver gives no page-locked memory") }
    self.address = address
    self.device = device
  }

  deinit { _ = device.libraries.driver.release_host(address) }
}
