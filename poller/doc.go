// Package poller runs tasks on the revisions that branches move to.
//
// The function follow is the way of one revision from a poll to its outcome,
// and decide holds every rule on what runs and what does not.
// docs/architecture.md walks through the rooms that it passes, and says what
// the words mean.
//
// # What it promises
//
// A revision is applied only after all its actions exited 0. No run starts
// unless its start was saved, and the start counts as a try: a crash in the
// middle is a failed attempt. What fails is tried again after pauses that
// grow from the interval to an hour, or at once when the head moves; a mistake
// in the revision itself waits for that. The newest head runs, not each one on
// the way. A failing task, remote or observer concerns no other task, nor does a
// bug that ends in a panic.
//
// An outage costs seconds: a failed poll is repeated after 1, 2, 4 … seconds up
// to the interval, and so is a fetch of what the remote shows and does not hand
// out yet, which spends no attempt.
//
// The state of a task is one document in a store.Store, changed only by
// compare-and-swap. With the file store the kernel lock that the program
// holds on the file is the lease, for as long as the program runs. A store
// that several instances share has its lease in the same document (package
// lease), taken where follow takes its slot, so that saving is the fence: a look
// without it changes nothing, an outcome is announced once its save has won, and
// who holds the lease delivers the reports. A run ends with its lease by a timer,
// and by a guard process (package actions) where the agent itself was killed or stopped.
package poller
