package poller

import (
	"time"

	"github.com/bittrance/kitops/poller/secret"
)

// Kind says what an Event is about.
type Kind string

// The kinds, in the order in which a run goes through them.
const (
	Looked        Kind = "looked"         // a look at the remote ended, well or with Err
	Left          Kind = "left"           // a look that was due is left to another instance, which polls the task
	Skipped       Kind = "skipped"        // something was deliberately not run; Reason says why
	Remembered    Kind = "remembered"     // a head was taken as the starting point and not run, or Count of them
	Forgotten     Kind = "forgotten"      // a branch is gone from the remote, and so is its memory
	Ordered       Kind = "ordered"        // somebody wants something of the task; Reason says what, and who
	Started       Kind = "started"        // a run started, and its start is saved
	Progressed    Kind = "progressed"     // the checkout of Run takes long, and is at Progress
	ActionStarted Kind = "action started" // Run.Action is about to run
	Output        Kind = "output"         // Run.Action printed Line
	Printed       Kind = "printed"        // Run.Action printed Data: all of it, as it comes, where Output has the lines of a log
	Finished      Kind = "finished"       // a run ended, and its outcome is saved
	Interrupted   Kind = "interrupted"    // a run that a crash cut off was found and closed
	Unreported    Kind = "unreported"     // a report of Run did not arrive for Err, and is tried again at Next
	Noticed       Kind = "noticed"        // a person should know Reason; nothing is wrong with kitops
	Troubled      Kind = "troubled"       // Err is kitops' own: state not saved, workdir not removed
)

// Event is a step on the way of a revision.
type Event struct {
	Kind        Kind
	Task        string
	Run         Run          // Started to Interrupted; of Skipped, Remembered and Forgotten only the revision
	Reason      string       // Skipped, Ordered, Noticed
	Line        string       // Output
	Data        []byte       // Printed; the observer's only until it returns
	Mask        *secret.Mask // Printed: hides the run's secrets in what is made of Data
	Count       int          // Remembered, Skipped: more than one branch or task, of which none is named
	Err         error        // Looked, Unreported, Troubled
	Failures    int          // Looked, Unreported: how many in a row had failed before this one
	Progress    Progress     // Progressed
	Undelivered string       // Unreported: what it is: commit status, deployment, comment, notification
	Next        time.Time    // Looked, Left: when the next look is due; Skipped, Finished: when the next try is, if one is planned
}

// Observer is told of every event of every task. It is called in order per
// task, by several tasks at the same time, and must not block for long: the
// task waits for it.
type Observer func(Event)
