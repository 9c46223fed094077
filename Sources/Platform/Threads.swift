#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads of our own: a thread that waits for a semaphore must not hold up a shared pool.
package enum Threads {
  /// Runs a body on a thread that nobody waits for.
  package static func start(_ body: @escaping @Sendable () -> Void) {
    if let thread = make(body) { pthread_detach(thread) } else { body() }
  }

  /// Runs a body on several threads and waits for all of them.
  ///
  /// - Parameters:
  ///   - count: How many; what the system does not grant runs on the present thread.
  ///   - body: Gets the thread's number.
  package static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var threads: [pthread_t] = []
    for number in 1..<max(1, count) {
      if let thread = make({ body(number) }) { threads.append(thread) } else { body(number) }
    }
    body(0)
    for thread in threads { pthread_join(thread, nil) }
  }

  private static func make(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
    let context = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    #if canImport(Darwin)
      var thread: pthread_t?
      guard pthread_create(&thread, nil, threadEntry, context) == 0 else {
        Unmanaged<ThreadBody>.fromOpaque(context).release()
        return nil
      }
      return thread
    #else
      var thread: pthread_t = 0
      guard pthread_create(&thread, nil, threadEntry, context) == 0 else {
        Unmanaged<ThreadBody>.fromOpaque(context).release()
        return nil
      }
      return thread
    #endif
  }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

#if canImport(Darwin)
  private typealias Context = UnsafeMutableRawPointer
#else
  private typealias Context = UnsafeMutableRawPointer?
#endif

private func threadEntry(_ context: Context) -> UnsafeMutableRawPointer? {
  let body: UnsafeMutableRawPointer? = context
  if let body { Unmanaged<ThreadBody>.fromOpaque(body).takeRetainedValue().run() }
  return nil
}
