package status_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status"
)

// seen is what a terminal shows of bytes, its last line being the one with the cursor.
func seen(text string) []string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if i := strings.LastIndex(line, "\r\x1b[K"); i >= 0 {
			line = line[i+len("\r\x1b[K"):]
		}
		line = strings.NewReplacer("\x1b[?7l", "", "\x1b[?7h", "").Replace(line)
		lines = append(lines, regexp.MustCompile(`^\d\d:\d\d:\d\d`).ReplaceAllString(line, "T"))
	}
	return lines
}

// checkingOut is the event of a checkout that is so far.
func checkingOut(run, task string, p poller.Progress) poller.Event {
	return poller.Event{Kind: poller.Progressed, Task: task, Progress: p, Run: poller.Run{
		ID: run, Task: task, Revision: git.Revision{Ref: "refs/heads/main", SHA: consoleSHA},
	}}
}

func TestWhatTakesLongIsOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	columns := 0
	underway := status.NewUnderway(&out, func() int { return columns }, func() {})
	tell := status.Log(slog.New(status.NewConsole(underway, status.Console{Underway: underway})))
	shows := func(want ...string) {
		t.Helper()
		if _, err := underway.Write(nil); err != nil {
			t.Fatal(err)
		}
		if got := seen(out.String()); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	shows("")
	tell(checkingOut("r1", "shop", poller.Progress{Bytes: 12_345_678}))
	shows("shop main 8e1f6a2 fetched 12.3 MB")
	tell(checkingOut("r2", "blog", poller.Progress{Bytes: 999, Files: 1234, Planned: 1_020_000}))
	shows("shop main 8e1f6a2 fetched 12.3 MB; blog main 8e1f6a2 fetched 999 B, 1,234 of 1,020,000 files")
	const line = "T docs main 8e1f6a2 run started"
	tell(poller.Event{Kind: poller.Started, Task: "docs", Run: poller.Run{
		Task: "docs", Revision: git.Revision{Ref: "refs/heads/main", SHA: consoleSHA},
	}})
	shows(line, "shop main 8e1f6a2 fetched 12.3 MB; blog main 8e1f6a2 fetched 999 B, 1,234 of 1,020,000 files")
	tell(checkingOut("r3", "docs", poller.Progress{Files: 7}))
	columns = 70
	shows(line, "shop main 8e1f6a2 fetched 12.3 MB; 2 more")
	columns = 20
	shows(line, "shop main 8e1f6a2 fetched 12.3 MB; 2 more") // the terminal cuts it
	columns = 0
	tell(checkingOut("r1", "shop", poller.Progress{Over: true}))
	tell(checkingOut("r2", "blog", poller.Progress{Over: true}))
	shows(line, "docs main 8e1f6a2 7 files")
	underway.Clear()
	shows(line, "")
	if n := strings.Count(out.String(), "\x1b[?7l") - strings.Count(out.String(), "\x1b[?7h"); n != 0 {
		t.Errorf("long lines are left cut: %q", out.String())
	}
}

// TestOthersHearNothingOfProgress has logs that nothing may be erased from.
func TestOthersHearNothingOfProgress(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"console", "json", "text", "journal"} {
		var out bytes.Buffer
		log, queue := status.NewLogger(&out, status.Config{LogFormat: format, LogLevel: "debug"}, status.Terminal{})
		tell := status.Log(log)
		for i := range 10 {
			tell(checkingOut("r1", "shop", poller.Progress{Bytes: int64(i)}))
		}
		if queue.Close(time.Minute); out.Len() > 0 {
			t.Errorf("%s: %q", format, out.String())
		}
	}
}

// TestWhatTakesLongWaitsForNobody has a terminal that is not read.
func TestWhatTakesLongWaitsForNobody(t *testing.T) {
	t.Parallel()
	stopped, writing := make(chan struct{}), make(chan struct{}, 100)
	defer close(stopped)
	var queue *status.LogQueue
	underway := status.NewUnderway(writer(func([]byte) { writing <- struct{}{}; <-stopped }), func() int { return 80 }, func() { queue.Refresh() })
	queue = status.NewLogQueue(underway, lost)
	fmt.Fprintln(queue, "a line")
	<-writing
	for i := range 100 {
		underway.Set("r1", fmt.Sprint(i))
	}
	queue.Close(0)
}

// writer is a function that is told what is written.
type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }
