package files

import "runtime"

// Yielding does work that everything else goes before: on a thread of its own,
// which on Linux has the lowest priority for the processor and the disk and
// ends with the work. It returns when the work is done.
func Yielding(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: nobody else gets such a thread
		yield()
		work()
	}()
	<-done
}
