package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/history"
)

func TestKeepIsReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"1000 runs, 30 days, 1GB": "", "5 runs": "", "12h": "12 hours", "1 day": "1 days", "2TB,3 hours": "3 hours, 2TB", "1500MB": "", "7b": "7B",
	} {
		var keep history.Keep
		if err := keep.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if want == "" {
			want = text
		}
		if keep.String() != want {
			t.Errorf("%q became %q", text, keep)
		}
	}
	for text, want := range map[string]string{
		"":                          "no limit",
		"runs":                      "no limit",
		"0 runs":                    "no limit",
		"-1 runs":                   "no limit",
		"5 weeks":                   "the unit is one of",
		"1 run, 2 runs":             "second limit",
		"9999999999 TB":             "more than any disk",
		"99999999999999999999 runs": "no limit",
	} {
		var keep history.Keep
		if err := keep.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if text := history.DefaultKeep().String(); text != "1000 runs, 30 days, 1GB" {
		t.Error(text)
	}
}

func FuzzKeep(f *testing.F) {
	f.Add("1000 runs, 30 days, 1GB")
	f.Fuzz(func(t *testing.T, text string) {
		var keep, again history.Keep
		if keep.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(keep.String())); err != nil || again != keep {
			t.Errorf("%q is %q, which is %+v, %v", text, keep, again, err)
		}
	})
}

// all is how many runs there are, and how many bytes they and their output take.
func (d diary) all(t *testing.T) (runs []history.Run, size int64) {
	t.Helper()
	runs, _, err := d.Runs(t.Context(), history.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(d.dir, "output", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, filepath.Join(d.dir, "runs.db")) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return runs, size
}

func TestTheOldestGo(t *testing.T) {
	d := open(t, t.TempDir(), history.Keep{Runs: 3})
	old := run("20260504t110000-aaaaaaaaaa") // goes on, and so stays
	d.tell(poller.Started, old)
	for i := range 60 {
		r := run(fmt.Sprintf("20260504t12%04d-aaaaaaaaaa", i))
		r.Task = fmt.Sprintf("task %d", i) // limits hold for tasks that are gone
		d.whole(r, "some output\n")
		d.tell(poller.Remembered, r)
	}
	d.tell(poller.Finished, ended(old, poller.Success, ""))
	d = d.written(t, history.Keep{Runs: 3})
	runs, size := d.all(t)
	if len(runs) != 3 || runs[0].Task != "task 59" {
		t.Errorf("%d runs are left, the first is %+v", len(runs), runs[0])
	}
	if size > 100_000 {
		t.Errorf("%d bytes are left", size)
	}
	if events, err := d.Events(t.Context(), "task 20", 10); err != nil || len(events) > 0 {
		t.Errorf("%+v, %v", events, err)
	}
	if events, err := d.Events(t.Context(), "task 59", 10); err != nil || len(events) != 1 {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestTheTooOldGo(t *testing.T) {
	keep := history.Keep{Age: 24 * time.Hour}
	d := open(t, t.TempDir(), keep)
	old := run("20260504t120000-aaaaaaaaaa")
	old.Started = began.Add(-48 * time.Hour)
	d.whole(old, "old\n")
	r := run("20260504t120001-aaaaaaaaaa")
	d.whole(r, "new\n")
	runs, _ := d.written(t, keep).all(t)
	if len(runs) != 1 || runs[0].ID != r.ID {
		t.Errorf("%+v", runs)
	}
}

func TestTheTooLargeGo(t *testing.T) {
	keep := history.Keep{Bytes: 1_000_000}
	d := open(t, t.TempDir(), keep)
	for i := range 20 {
		d.whole(run(fmt.Sprintf("20260504t1200%02d-aaaaaaaaaa", i)), strings.Repeat("x", 100_000))
	}
	d.whole(run("20260504t120100-aaaaaaaaaa"), strings.Repeat("x", 600_000)) // more than a quarter
	d = d.written(t, keep)
	runs, size := d.all(t)
	if len(runs) < 5 || size > keep.Bytes {
		t.Errorf("%d runs with %d bytes are left", len(runs), size)
	}
	if text := d.text(t, runs[0].ID); len(text) > 260_000 || !strings.HasSuffix(text, "\n[kitops: 350000 bytes of output are not kept here]\n") {
		t.Errorf("%d bytes are kept of the large one, which end with %q", len(text), text[len(text)-60:])
	}
}
