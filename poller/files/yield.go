package files

import "runtime"

// Yielding does work that everything else goes before: on a thread of its own,
// which on Linux has the lowest priority for the processor and the disk and
// ends with the work. It returns when the work is done.
func Yielding(work func()) {
	OnThreadOfItsOwn(func() {
		yield()
		work()
	})
}

// OnThreadOfItsOwn does work on a thread that may be changed in ways that cannot be
// taken back: it ends with the work, on Linux. It returns when the work is done.
func OnThreadOfItsOwn(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if onMainThread() { // which cannot end: it is held until another has done the work
			defer runtime.UnlockOSThread()
			OnThreadOfItsOwn(work)
			return
		}
		work() // the thread is never unlocked: nobody else gets it
	}()
	<-done
}
