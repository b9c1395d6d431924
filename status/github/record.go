package github

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/secret"
)

const (
	maxTail    = 64_000   // bytes of what a run printed last; GitHub takes 65,535 in a text
	maxLine    = 16 << 10 // bytes of one line
	maxActions = 100      // that are listed
	maxEnded   = 100      // records of runs that have ended, until their reports have arrived
)

// Records hold what check runs show of runs: what their actions did, the end of what they printed, and what they remarked
// on lines of files. They end with the process: a check run can do without.
type Records struct {
	Wants func(task string) bool         // whether a task has check runs
	Plain func(line string) (h []string) // what a line that was written for a terminal looks like

	any  atomic.Int64 // how many there are: most agents have none
	mu   sync.Mutex
	runs map[string]*record // by run
	over []string           // runs that have ended, the oldest first
}

// record is what is known of one run.
type record struct {
	actions []acted
	more    int // actions that are not listed
	line    []byte
	tail    []string
	size    int  // of the tail, in bytes
	cut     bool // there was more before it
	remarks []app.Annotation
	lost    int // remarks beyond those
	mask    *secret.Mask
}

// acted is what became of an action.
type acted struct {
	name         string
	began, ended time.Time
}

// Observe is a poller.Observer.
func (all *Records) Observe(e poller.Event) {
	switch e.Kind {
	case poller.ActionStarted:
		if !all.Wants(e.Task) {
			return
		}
		all.with(e.Run.ID, true, func(r *record) { r.begin(e.Run.Action, time.Now()) })
	case poller.Printed:
		if all.any.Load() > 0 {
			all.with(e.Run.ID, false, func(r *record) {
				r.mask = e.Mask
				r.print(e.Data, all.Plain)
			})
		}
	case poller.Finished, poller.Interrupted:
		if all.any.Load() > 0 {
			all.end(e.Run.ID)
		}
	}
}

func (all *Records) with(run string, make bool, do func(*record)) {
	all.mu.Lock()
	defer all.mu.Unlock()
	r := all.runs[run]
	if r == nil && make {
		if all.runs == nil {
			all.runs = map[string]*record{}
		}
		r = &record{}
		all.runs[run] = r
		all.any.Add(1)
	}
	if r != nil {
		do(r)
	}
}

// end has a run's record go when too many others have ended after it, if nobody has taken it by then.
func (all *Records) end(run string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.runs[run] == nil {
		return
	}
	all.over = append(all.over, run)
	for len(all.over) > maxEnded {
		all.remove(all.over[0])
		all.over = all.over[1:]
	}
}

// forget ends the record of a run that nobody will ask for any more.
func (all *Records) forget(run string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.remove(run)
	all.over = slices.DeleteFunc(all.over, func(other string) bool { return other == run })
}

func (all *Records) remove(run string) {
	if all.runs[run] != nil {
		delete(all.runs, run)
		all.any.Add(-1)
	}
}

// of is a copy of what is known of a run.
func (all *Records) of(run string) record {
	all.mu.Lock()
	defer all.mu.Unlock()
	r := all.runs[run]
	if r == nil {
		return record{}
	}
	known := *r
	known.actions, known.tail, known.remarks, known.line = slices.Clone(r.actions), slices.Clone(r.tail), slices.Clone(r.remarks), nil
	if len(r.line) > 0 { // it has not ended
		known.add(string(r.line), all.Plain)
	}
	return known
}

func (r *record) begin(action string, now time.Time) {
	if n := len(r.actions); n > 0 && r.more == 0 {
		r.actions[n-1].ended = now
	}
	if len(r.actions) == maxActions {
		r.more++
		return
	}
	r.actions = append(r.actions, acted{name: action, began: now})
}

// print takes what an action prints, as it comes. The rest of a line that is too long is left out.
func (r *record) print(data []byte, plain func(string) []string) {
	for len(data) > 0 {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		r.line = append(r.line, line[:min(len(line), maxLine-len(r.line))]...)
		if whole {
			text := string(r.line)
			r.line = r.line[:0]
			r.add(text, plain)
			r.remark(text, plain)
		}
		data = rest
	}
}

func (r *record) add(text string, plain func(string) []string) {
	for _, line := range plain(text) {
		line = redact(r.hide(line))
		r.tail, r.size = append(r.tail, line), r.size+len(line)+1
	}
	n := 0
	for ; r.size > maxTail; n++ {
		r.size -= len(r.tail[n]) + 1
		r.cut = true
	}
	r.tail = slices.Delete(r.tail, 0, n)
}

// credentials are those of a URL.
var credentials = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`://[^/\s@'"]+@`) })

// redact blots out tokens and the credentials of URLs that were in no secret.
func redact(text string) string {
	if !strings.Contains(text, "://") {
		return app.Redact(text)
	}
	return credentials().ReplaceAllLiteralString(app.Redact(text), "://***@")
}

// hide blots out secrets that only come together here: what separated them meant something to a terminal, or to GitHub.
func (r *record) hide(text string) string {
	if r.mask == nil {
		return text
	}
	return r.mask.Hide(text)
}

func (r *record) remark(line string, plain func(string) []string) {
	a, is := remark(line, func(text string) string { return redact(r.hide(strings.Join(plain(r.hide(text)), "\n"))) })
	switch {
	case !is:
	case len(r.remarks) == maxRemarks:
		r.lost++
	default:
		r.remarks = append(r.remarks, a)
	}
}
