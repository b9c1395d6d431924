package status

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

// maxDescription is what GitHub takes, in characters; more is a 422.
// https://docs.github.com/rest/commits/statuses#create-a-commit-status
const maxDescription = 140

// Describe says in at most 140 characters how a run stands. It never holds
// output of actions, nor tokens.
func Describe(r poller.Run) string {
	task := r.Task
	if r.Held != "" {
		task += ", " + r.Held
	}
	if r.Outcome == poller.Pending {
		if r.Reason != "" {
			return cut(task + ": " + r.Reason)
		}
		if r.Action != "" {
			return cut(fmt.Sprintf("running %s (%s)", task, r.Action))
		}
		return cut("running " + task)
	}
	took := r.Duration()
	switch {
	case took > 10*time.Second:
		took = took.Round(time.Second)
	case took > time.Second:
		took = took.Round(100 * time.Millisecond)
	default:
		took = took.Round(time.Millisecond)
	}
	what := task + ": "
	if r.Action != "" {
		what += r.Action + " "
	}
	reason := strings.ReplaceAll(r.Reason, "\n", "; ")
	if r.Unchanged != "" {
		reason += ": no change " + r.Unchanged
	}
	switch r.Outcome {
	case poller.Success:
		if reason == "" {
			reason = fmt.Sprintf("succeeded in %s", took)
		}
		return cut(what + reason + r.Vouched())
	case poller.Failure:
		for word, ours := range map[string]string{"exit status ": "exit code ", "signal: ": "signal "} {
			if rest, found := strings.CutPrefix(reason, word); found {
				reason = fmt.Sprintf("failed with %s%s after %s", ours, rest, took)
			}
		}
		if r.GaveUp && r.Failures > 1 {
			reason += fmt.Sprintf("; gave up after %d tries", r.Failures)
		}
		return cut(what + reason) // out of time, which names the time
	default:
		return cut(what + reason)
	}
}

// cut shortens a text to what GitHub takes, at a character.
func cut(text string) string {
	text = app.Redact(Printable(text))
	if utf8.RuneCountInString(text) <= maxDescription {
		return text
	}
	return string([]rune(text)[:maxDescription-1]) + "…"
}
