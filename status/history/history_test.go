package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// began is when the runs of these tests begin: not so long ago that they are too old to be kept.
var began = time.Now().UTC().Truncate(time.Millisecond).Add(-time.Hour)

// diary is a history with what it logged.
type diary struct {
	*history.History
	dir string
	log *bytes.Buffer
}

func open(t *testing.T, dir string, keep history.Keep) diary {
	t.Helper()
	var log bytes.Buffer
	h := history.New(t.Context(), dir, keep, "build-1", slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { h.Close(time.Minute) })
	return diary{h, dir, &log}
}

func (d diary) tell(kind poller.Kind, run poller.Run) {
	d.Observe(poller.Event{Kind: kind, Task: run.Task, Run: run})
}

func (d diary) print(run poller.Run, text string) {
	d.Observe(poller.Event{Kind: poller.Printed, Task: run.Task, Run: run, Data: []byte(text)})
}

// written waits until everything was written, by a history of the same directory.
func (d diary) written(t *testing.T, keep history.Keep) diary {
	t.Helper()
	d.Close(time.Minute)
	return open(t, d.dir, keep)
}

func run(id string) poller.Run {
	return poller.Run{
		ID: id, Task: "shop", Attempt: 1, Started: began, Outcome: poller.Pending, Previous: strings.Repeat("b", 40),
		Revision: git.Revision{Ref: "refs/heads/main", SHA: strings.Repeat("a", 40)},
	}
}

func ended(r poller.Run, outcome poller.Outcome, reason string) poller.Run {
	r.Outcome, r.Reason, r.Finished, r.Took = outcome, reason, r.Started.Add(time.Second), 1500*time.Millisecond
	return r
}

// whole is a run from its start to its end.
func (d diary) whole(r poller.Run, printed string) {
	d.tell(poller.Started, r)
	r.Action = "make"
	d.tell(poller.ActionStarted, r)
	d.print(r, printed)
	r.Action = ""
	d.tell(poller.Finished, ended(r, poller.Success, ""))
}

func TestRunsAreKept(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "history"), history.DefaultKeep())
	r := run("20260504t120000-aaaaaaaaaa")
	d.tell(poller.Started, r)
	r.Action, r.Signer = "build", "anna"
	d.tell(poller.ActionStarted, r)
	d.print(r, "compiling\r\nhalf a li")
	d.print(r, "ne\n")
	r.Action = "test"
	d.tell(poller.ActionStarted, r)
	d.print(r, "\x1b[31mred\x1b[0m\xff")
	d.tell(poller.Finished, ended(r, poller.Failure, "exit status 3"))
	d.Observe(poller.Event{Kind: poller.Looked, Task: "shop", Err: errors.New("no route to host")})
	d.Observe(poller.Event{Kind: poller.Looked, Task: "shop", Err: errors.New("no route to host"), Failures: 1})
	d = d.written(t, history.DefaultKeep())

	got, err := d.Run(t.Context(), r.ID)
	want := history.Run{Summary: history.Summary{
		ID: r.ID, Task: "shop", Ref: "refs/heads/main", SHA: strings.Repeat("a", 40), Previous: strings.Repeat("b", 40), Outcome: "failure",
		Action: "test", Reason: "exit status 3", Attempt: 1, Started: began, Ended: began.Add(time.Second), Took: 1.5, Member: "build-1", Signer: "anna",
	}, Bytes: 36}
	if err != nil || got != want {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	actions, err := d.Actions(t.Context(), r.ID)
	if err != nil || len(actions) != 2 || actions[0].Name != "build" || actions[1].Name != "test" || actions[1].Offset != 23 || actions[0].Ended.IsZero() || actions[1].Ended.IsZero() {
		t.Errorf("actions %+v, %v", actions, err)
	}
	const printed = "compiling\r\nhalf a line\n\x1b[31mred\x1b[0m\xff"
	if text := d.text(t, r.ID); text != printed {
		t.Errorf("printed %q, want %q", text, printed)
	}
	events, err := d.Events(t.Context(), "shop", 10)
	if err != nil || len(events) != 1 || events[0].Kind != "looked" || events[0].Text != "no route to host" {
		t.Errorf("events %+v, %v", events, err)
	}
	if d.log.Len() > 0 {
		t.Errorf("it logged %s", d.log)
	}
	for _, name := range []string{"", "runs.db", "output", filepath.Join("output", r.ID+".log")} {
		info, err := os.Stat(filepath.Join(d.dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// text is what a run printed, read to the end of it.
func (d diary) text(t *testing.T, id string) string {
	t.Helper()
	out, err := d.Output(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	var all bytes.Buffer
	for {
		size, done, err := out.Wait(t.Context(), int64(all.Len()))
		if err != nil {
			t.Fatal(err)
		}
		more := make([]byte, size-int64(all.Len()))
		if _, err := out.ReadAt(more, int64(all.Len())); err != nil {
			t.Fatal(err)
		}
		all.Write(more)
		if done {
			return all.String()
		}
	}
}

func TestListsGoOnWhereTheyEnd(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	for i := range 25 {
		r := run(fmt.Sprintf("20260504t1200%02d-aaaaaaaaaa", i))
		r.Task = []string{"shop", "blog"}[i%2]
		d.whole(r, "")
	}
	d = d.written(t, history.DefaultKeep())
	var all []string
	for f := (history.Filter{Task: "shop", Limit: 5}); ; {
		runs, next, err := d.Runs(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			all = append(all, r.ID)
		}
		if f.Before = next; next == "" {
			break
		}
	}
	if len(all) != 13 || all[0] != "20260504t120024-aaaaaaaaaa" || all[12] != "20260504t120000-aaaaaaaaaa" {
		t.Errorf("%d runs: %v", len(all), all)
	}
	seen, _, err := d.Runs(t.Context(), history.Filter{Limit: 100, Outcome: "success", Ref: "refs/heads/main", Visible: func(task string) bool { return task == "blog" }})
	if err != nil || len(seen) != 12 {
		t.Errorf("%d runs of blog, %v", len(seen), err)
	}
	if _, _, err := d.Runs(t.Context(), history.Filter{Before: "nosuch"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("from a run that is not there: %v", err)
	}
}

func TestFollowersGetEveryByte(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	r := run("20260504t120000-aaaaaaaaaa")
	d.tell(poller.Started, r)
	for { // the start is written by and by
		if _, err := d.Output(t.Context(), r.ID); err == nil {
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the run never appears")
		default:
		}
	}
	texts := make(chan string)
	for range 3 {
		go func() { texts <- d.text(t, r.ID) }()
	}
	var want strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&want, "line %d\n", i)
		d.print(r, fmt.Sprintf("line %d\n", i))
	}
	d.tell(poller.Finished, ended(r, poller.Success, ""))
	for range 3 {
		if text := <-texts; text != want.String() {
			t.Errorf("a follower got %d bytes of %d", len(text), want.Len())
		}
	}
}

// TestReadingLeavesNothingBehind reads what an agent has left, as from a directory that cannot be written.
func TestReadingLeavesNothingBehind(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	d.whole(run("20260504t120000-aaaaaaaaaa"), "hi\n")
	d.Close(time.Minute)
	left, err := history.Read(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close(time.Minute)
	if runs, _, err := left.Runs(t.Context(), history.Filter{}); len(runs) != 1 || err != nil {
		t.Errorf("%+v, %v", runs, err)
	}
	entries, err := os.ReadDir(d.dir)
	if len(entries) != 3 || err != nil { // with the lock
		t.Errorf("%v, %v", entries, err)
	}
}
