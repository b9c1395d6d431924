package status_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status"
)

func TestLogTellsTheStoryOfARun(t *testing.T) {
	var out bytes.Buffer
	handler := slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	tell := status.Log(slog.New(handler))

	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	run := poller.Run{
		ID: "r1", Task: "deploy", Attempt: 2, Started: at, Action: "build",
		Revision: git.Revision{Ref: "refs/heads/main", SHA: "abc"},
	}
	failed := run
	failed.Finished, failed.Outcome, failed.Reason = at.Add(3200*time.Millisecond), poller.Failure, "exit status 2"
	good := failed
	good.Outcome, good.Action, good.Reason = poller.Success, "", ""
	for _, e := range []poller.Event{
		{Kind: poller.Looked},
		{Kind: poller.Started, Run: run},
		{Kind: poller.Output, Run: run, Line: "cc -o x"},
		{Kind: poller.Finished, Run: failed, Next: at},
		{Kind: poller.Finished, Run: good},
		{Kind: poller.Looked, Err: errors.New("refused"), Next: at},
		{Kind: poller.Looked, Failures: 3},
		{Kind: poller.Skipped, Run: run, Reason: "pausing", Next: at},
		{Kind: poller.Remembered, Run: run},
		{Kind: poller.Forgotten, Run: run},
		{Kind: poller.Interrupted, Run: run, Next: at},
		{Kind: poller.Troubled, Err: errors.New("disk full")},
	} {
		e.Task = "deploy"
		tell(e)
	}
	next := " next=" + at.Local().Format(time.RFC3339)
	where := " task=deploy ref=refs/heads/main sha=abc run=r1"
	want := []string{
		`level=INFO msg="run started"` + where + ` attempt=2`,
		`level=INFO msg="cc -o x" task=deploy action=build run=r1`,
		`level=WARN msg="run finished"` + where + ` outcome=failure took=3.2s action=build reason="exit status 2" attempt=2` + next,
		`level=INFO msg="run finished"` + where + ` outcome=success took=3.2s`,
		`level=WARN msg="poll failed" task=deploy err=refused` + next,
		`level=INFO msg="poll works again" task=deploy failures=3`,
		`level=INFO msg="not run"` + where + ` reason=pausing` + next,
		`level=INFO msg="remembered, not run: the branch was there at the first poll"` + where,
		`level=INFO msg="branch is gone or no longer watched, forgotten"` + where,
		`level=WARN msg="a run was cut off"` + where + ` attempt=2` + next,
		`level=ERROR msg=trouble task=deploy err="disk full"`,
	}
	if got := strings.TrimSpace(out.String()); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}
