package github

import (
	"fmt"
	"strconv"
	"strings"
)

// note is what is remembered of a ref: what its newest commit was told, and how.
type note struct {
	sha   string
	check bool // it has check runs; else it has commit statuses, although the task wants check runs

	key   string // the external ID of the newest check run
	id    int64  // of it
	state string // queued, in_progress, or how it was concluded
	sent  int    // annotations
}

const (
	checkNote  = "check"
	statusNote = "status"
)

// parseNote reads what String has written. Nonsense is no note.
func parseNote(text string) note {
	fields := strings.Fields(text)
	switch {
	case len(fields) == 2 && fields[0] == statusNote:
		return note{sha: fields[1]}
	case len(fields) == 6 && fields[0] == checkNote:
		id, err := strconv.ParseInt(fields[3], 10, 64)
		sent, wrong := strconv.Atoi(fields[5])
		if err == nil && wrong == nil && id > 0 && sent >= 0 {
			return note{sha: fields[1], check: true, key: fields[2], id: id, state: fields[4], sent: sent}
		}
	}
	return note{}
}

func (n note) String() string {
	if !n.check {
		return statusNote + " " + n.sha
	}
	return fmt.Sprintf("%s %s %s %d %s %d", checkNote, n.sha, n.key, n.id, n.state, n.sent)
}

// CheckOf is the check run that a note is of, and whether there is one.
func CheckOf(text string) (id int64, there bool) {
	n := parseNote(text)
	return n.id, n.check && n.id != 0
}

// completed tells whether the check run has come to its end, from which there is no way back.
func (n note) completed() bool { return n.state != queued && n.state != inProgress }
