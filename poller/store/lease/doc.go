// Package lease changes documents that belong to one instance at a time.
//
// The lease stands in the document that it guards, and every change of either is
// a compare-and-swap of the whole: saving is the fence. An instance that lost
// its lease finds out at its next save at the latest, and nothing of it is saved.
//
// # Time
//
// When a lease ends is said by the store's clock, which every instance reads with
// the document; the clocks of the hosts are trusted in nothing. Its owner counts
// on a clock of its own that nobody sets and that goes on while the machine sleeps
// (CLOCK_BOOTTIME), from before the request that was answered with that time, and
// only until the margin of [Terms] before the end. So whatever the lease allowed has
// stopped when another instance can have it.
//
// # Answers that are lost
//
// Each save has a nonce. A save without an answer may have been done, or be done
// later: the document is read, and shows the nonce, or the same document is put
// again under the same condition. That it does not show proves nothing.
//
// # A store that lies
//
// A fence never goes back, and at its own fence an instance knows every nonce. A
// document that shows something else is a [LiedError]: the store has dropped or
// doubled a write, and nobody is safe.
package lease
