package status_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status"
)

const consoleSHA = "8e1f6a2b0123456789012345678901234567890a"

// onConsole is what the console shows of a story, with the fixed time of its
// lines as T. A minute after it is T+1m, and two days after it T+48h.
func onConsole(t *testing.T, c status.Console, story func(log *slog.Logger, now time.Time)) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		now := time.Now()
		story(slog.New(status.NewConsole(&out, c)), now)
		text := strings.NewReplacer(
			now.Format(time.TimeOnly), "T", now.Add(time.Minute).Format(time.TimeOnly), "T+1m",
			now.Add(48*time.Hour).Format(time.DateTime), "T+48h",
		).Replace(out.String())
		out.Reset()
		out.WriteString(text)
	})
	return out.String()
}

func consoleStory(log *slog.Logger, now time.Time) {
	log = log.With("instance", "blue")
	log.Info("kitops is watching", "version", "1.0", "branch", "the default one")
	run := poller.Run{
		ID: "r1", Task: "deploy", Attempt: 2, Started: now, Action: "build",
		Revision: git.Revision{Ref: "refs/heads/main", SHA: consoleSHA},
	}
	failed := run
	failed.Outcome, failed.Took, failed.Reason = poller.Failure, 3200*time.Millisecond, "exit status 2"
	good := failed
	good.Outcome, good.Action, good.Reason, good.Attempt = poller.Success, "", "", 1
	for _, e := range []poller.Event{
		{Kind: poller.Started, Run: run},
		{Kind: poller.Output, Run: run, Line: "cc -o x \x1b[31mx\u202e"},
		{Kind: poller.Finished, Run: failed, Next: now.Add(time.Minute)},
		{Kind: poller.Finished, Run: good},
		{Kind: poller.Looked, Err: errors.New("refused\nby x"), Next: now.Add(48 * time.Hour)},
		{Kind: poller.Skipped, Run: run, Reason: "pausing", Next: now.Add(time.Minute)},
		{Kind: poller.Troubled, Err: errors.New("disk full")},
		{Kind: poller.Looked}, // not at this level
	} {
		e.Task = "deploy"
		status.Log(log)(e)
	}
	log.WithGroup("rate").Warn("limit", "until", now.Add(time.Minute), "left", 3, "why", `a "b"`)
}

func TestConsoleIsReadInPassing(t *testing.T) {
	t.Parallel()
	got := onConsole(t, status.Console{}, consoleStory)
	want := `T kitops is watching version=1.0 branch="the default one" instance=blue
T deploy main 8e1f6a2 run started, attempt 2
T deploy main 8e1f6a2 build │ cc -o x \x1b[31mx\u202e
T deploy main 8e1f6a2 failure in 3.2s, attempt 2: build: exit status 2; next try T+1m
T deploy main 8e1f6a2 success in 3.2s
T deploy warning poll failed: refused\nby x; next T+48h
T deploy main 8e1f6a2 not run: pausing; next T+1m
T deploy error trouble: disk full
T warning limit rate.until=T+1m rate.left=3 rate.why="a \"b\"" instance=blue
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestConsoleColoursOutcomes(t *testing.T) {
	t.Parallel()
	got := onConsole(t, status.Console{Colour: true}, consoleStory)
	for _, want := range []string{
		"\x1b[32msuccess\x1b[0m in 3.2s\n", "\x1b[31mfailure\x1b[0m in 3.2s", "\x1b[33mwarning\x1b[0m poll failed", "\x1b[31merror\x1b[0m trouble",
		"\x1b[2mT\x1b[0m deploy main \x1b[2m8e1f6a2\x1b[0m build\x1b[2m │ \x1b[0mcc -o x \\x1b[31mx\\u202e\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%q", want, got)
		}
	}
}

func TestConsoleShortensNamesAndNoOutput(t *testing.T) {
	t.Parallel()
	output := strings.Repeat("0123456789", 20)
	tell := func(log *slog.Logger, _ time.Time) {
		status.Log(log)(poller.Event{Kind: poller.Output, Task: "deploy-the-shop-to-production", Line: output, Run: poller.Run{
			Action: "copy", Revision: git.Revision{Ref: "refs/heads/feature/a-very-long-name-indeed", SHA: consoleSHA},
		}})
	}
	for width, names := range map[int]string{
		0:   "deploy-the-shop-to-production feature/a-very-long-name-indeed 8e1f6a2 copy",
		300: "deploy-the-shop-to-production feature/a-very-long-name-indeed 8e1f6a2 copy",
		80:  "deplo…tion featu…deed 8e1f6a2 copy",
		20:  "depl…ion feat…eed 8e1f6a2 copy",
	} {
		got := onConsole(t, status.Console{Width: func() int { return width }}, tell)
		if want := "T " + names + " │ " + output + "\n"; got != want {
			t.Errorf("%d columns: got\n%s\nwant\n%s", width, got, want)
		}
	}
}

func TestJournalHasPrioritiesAndNoTime(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(status.NewJournal(&out, slog.LevelDebug)).With("instance", "blue")
	log.Debug("a")
	log.Info("b\n<0>c")
	log.WithGroup("g").Warn("d", "time", 1)
	log.Error("e", "err", errors.New("\x1b[31m"))
	want := "<7>level=DEBUG msg=a instance=blue\n" +
		`<6>level=INFO msg="b\n<0>c" instance=blue` + "\n" +
		"<4>level=WARN msg=d instance=blue g.time=1\n" +
		`<3>level=ERROR msg=e instance=blue err="\x1b[31m"` + "\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if slog.New(status.NewJournal(&out, slog.LevelWarn)).Enabled(t.Context(), slog.LevelInfo) {
		t.Error("more than the level asks for")
	}
}
