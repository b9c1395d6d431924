package history

import (
	"time"

	"github.com/bittrance/kitops/poller"
)

// Summary is how a run went. Its JSON is that of the API and of notifications.
type Summary struct {
	ID       string    `json:"run"`
	Task     string    `json:"task"`
	Ref      string    `json:"ref"` // in full
	SHA      string    `json:"sha"`
	Previous string    `json:"previous,omitempty"` // the revision that was applied before
	Outcome  string    `json:"outcome"`            // running, success, failure or error
	Action   string    `json:"action"`             // that runs, or that ended the run
	Reason   string    `json:"reason"`
	Attempt  int       `json:"attempt"`
	Started  time.Time `json:"started,omitzero"` // UTC
	Ended    time.Time `json:"ended,omitzero"`   // zero while it runs
	Took     float64   `json:"took,omitempty"`   // seconds, by a clock that nobody sets
	Member   string    `json:"member"`           // the instance that ran it
	Signer   string    `json:"signer,omitempty"` // who signed the revision; "": nobody asked
}

// Run is one row of the history.
type Run struct {
	Summary
	Bytes   int64  `json:"bytes"`             // of what it printed
	Removed string `json:"removed,omitempty"` // who removed what it printed, "" for nobody
}

// Summarise is the summary of a run as the poller has it.
func Summarise(r poller.Run, member string) Summary {
	return Summary{
		ID: r.ID, Task: r.Task, Ref: r.Revision.Ref, SHA: r.Revision.SHA, Previous: r.Previous, Outcome: r.Outcome.Word(), Action: r.Action,
		Reason: r.Reason, Attempt: r.Attempt, Started: r.Started.UTC(), Ended: r.Finished.UTC(), Took: r.Duration().Seconds(), Member: member, Signer: r.Signer,
	}
}

// Action is one command of a run.
type Action struct {
	Name    string    `json:"action"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Offset  int64     `json:"offset"` // in the run's output, where the action's begins
}

// Event is what happened beside the runs: a branch that was remembered, a poll that failed.
type Event struct {
	At   time.Time `json:"at"`
	Task string    `json:"task"`
	Ref  string    `json:"ref,omitempty"`
	SHA  string    `json:"sha,omitempty"`
	Run  string    `json:"run,omitempty"`
	Kind string    `json:"kind"`
	Text string    `json:"text,omitempty"`
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
