// Package poller runs tasks on the revisions that branches move to.
//
// # The way of one revision
//
//	timer | nudge ─► heads ─► state: anything new? ─► slot ─► heads and state again, had it to wait ─► run
//	  run = start saved ─► fetch and checkout into a workdir, fresh or kept ─► actions in order
//	        ─► outcome and applied revision saved in one write ─► observers hear that it has finished
//
// watch.turn is that way for one task, watch.run is the lower line, and decide
// holds every rule on what runs and what does not.
//
// # What it promises
//
// A revision is applied only after all its actions exited 0. No run starts
// unless its start was saved, and the start counts as a try: a crash in the
// middle is a failed attempt. What fails is tried again after pauses that
// grow from the interval to an hour, or at once when the head moves. The
// newest head runs, not each one on the way. A failing task, remote or
// observer concerns no other task.
//
// The state of a task is one document in a store.Store, changed only by
// compare-and-swap. With the file store the kernel lock that the program
// holds on the file is the lease, for as long as the program runs; a store
// that several instances share will have its lease in the same document,
// taken where turn takes its slot, so that saving is the fence.
//
// # The folders of the project
//
//	cmd/kitops/    the commands: signals, environment, arguments, exit codes
//	  settings/    what flags, variables and the task file ask for
//	  yamlfile/    YAML with the place of every mistake
//	  wiring/      the poller's tasks, made of settings, app, webhook, status
//	  doctor/      tries what a run needs
//	  bench/       the program measured beside the git CLI
//	cmd/demo/      the program shown at work on a repository made for it
//	app/           the GitHub App: credentials, tokens, cheap head checks
//	  credential/  a token lent to the git of an action
//	  setup/       the pages that register an App
//	  apptest/     a GitHub to test against
//	webhook/       where nudges come from
//	poller/        the heart: Task, Run, Event, schedule, run, state
//	  git/         Git behind two calls: heads, checkout (gittest/ beside it)
//	  store/       versioned documents with compare-and-swap (storetest/ beside it)
//	status/        telling the world: log lines, commit statuses
//	actions/       one command: start, stream, stop its whole process group
//
// # Who may import whom
//
//	status → app, poller          poller → actions, poller/git, poller/store
//	app/setup, app/credential → app
//	app, webhook, actions, poller/git, poller/store → nothing of kitops
//	xtest → the x it stands beside, apptest → gittest            cmd/demo → all
//	cmd/kitops → its rooms        cmd/kitops/wiring, doctor → all libraries
//	cmd/kitops/settings → yamlfile, and the packages that it configures
//
// The linter holds this list. A task is handed heads, checkout and plan as
// funcs, and webhook hands its events to one that calls Nudge: no arrow, no
// interface. The only interface is the store, because it has several real
// implementations.
//
// # Words
//
// A task is what to watch and do, an action one command of it. A revision is
// a ref at a commit, a head is where a remote ref is now. A run is one
// execution of a task on a revision, its outcome how it stands. Applied is
// the last revision that succeeded. To poll is to look at the remote, a nudge
// asks to look now. A mirror is the kept clone, a workdir the checkout: thrown
// away after its run, or kept for the next one on its ref. An instance is one
// kitops process.
package poller
