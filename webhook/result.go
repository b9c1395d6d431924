package webhook

// Result is what became of a delivery.
type Result string

// The results.
const (
	Accepted   Result = "accepted"
	Ignored    Result = "ignored"    // it can move no head
	Unverified Result = "unverified" // it may cause looks and nothing else
	Refused    Result = "refused"    // for its signature, size or form
	Busy       Result = "busy"       // GitHub may send it again
)

// counter is told of every result; it may be nil.
type counter func(Result)

func (count counter) note(r Result) {
	if count != nil {
		count(r)
	}
}

// of tells an event that matters from one that does not.
func (count counter) of(e Event) {
	if e.matters() {
		count.note(Accepted)
	} else {
		count.note(Ignored)
	}
}
