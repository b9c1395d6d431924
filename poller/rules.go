package poller

import "time"

// Rules say when a task runs what is new, and how often what has failed.
type Rules struct {
	Retry    *Retry `json:",omitempty"` // nil: without end
	RollBack bool   `json:",omitempty"` // back to the revision applied before, when it gives up

	Parallel     int  `json:",omitempty"` // refs that run at once; 0: one
	CancelOnPush bool `json:",omitempty"` // a newer head of its ref ends a run
	FinishPulls  bool `json:",omitempty"` // but not one of a pull request, of which it does so otherwise

	Grace time.Duration `json:",omitempty"` // between SIGTERM and SIGKILL; 0: as actions have it

	Group    string   `json:",omitempty"` // of tasks that never run at the same time
	Requires []string `json:",omitempty"` // what must have been said of a head, as the task has it; [Task.Required] knows

	SkipCI bool `json:",omitempty"` // a head whose commit message asks for it is applied without a run
	RunOwn bool `json:",omitempty"` // so is one that an action of the task has pushed, unless this is set

	Approve bool    `json:",omitempty"` // a head waits until somebody has approved it
	Windows Windows `json:",omitempty"` // within which runs start; none: always
}

// cancels tells whether a newer head of a ref ends its run.
func (r Rules) cancels(ref string) bool { return r.CancelOnPush || IsPull(ref) && !r.FinishPulls }
