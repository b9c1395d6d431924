package app

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// lag is how long GitHub may need until all of its machines know what one of them made: a token, a permission, a commit, the
// default branch. Until then "no" means "not yet". This is the one place that tells the two apart, by the age of what was
// made.
type lag time.Duration

const (
	usualLag = lag(30 * time.Second)
	lagTries = 4  // after 1, 2, 4 and 8 s of the usual 30
	longLag  = 10 // times that for statuses: what was pushed may be behind a queue
)

// again rests before another try at what was made then, counted from 0. It is false when that is known everywhere by now.
func (l lag) again(ctx context.Context, made time.Time, try int) bool {
	pause := l.pause(try)
	if try >= lagTries || made.IsZero() || time.Since(made)+pause > time.Duration(l) {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l lag) pause(try int) time.Duration { return time.Duration(l) / 30 << min(try, lagTries) }

// young tells whether GitHub may not know everywhere what was made then.
func (l lag) young(made time.Time) bool { return !made.IsZero() && time.Since(made) < time.Duration(l) }

// unknown tells whether an answer about a commit, or about a repository that is there, may be that of a machine which does
// not know of it yet, or not of a permission.
func unknown(status int, message string) bool {
	switch status {
	case http.StatusNotFound:
		return true
	case http.StatusForbidden:
		return strings.Contains(message, "not accessible")
	}
	return status == http.StatusUnprocessableEntity && strings.Contains(message, "No commit found")
}
