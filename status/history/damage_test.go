package history_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/history"
)

func TestRunsOfACrashAreCutOff(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	r := run("20260504t120000-aaaaaaaaaa")
	d.tell(poller.Started, r)
	d.print(r, "half\n")
	d = d.written(t, history.DefaultKeep()) // as after a crash: nobody has told of the end
	got, err := d.Run(t.Context(), r.ID)
	if err != nil || got.Outcome != "error" || got.Ended.IsZero() || !strings.Contains(got.Reason, "cut off") || got.Bytes != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	d.tell(poller.Interrupted, ended(r, poller.Error, "interrupted: kitops was killed, will run again"))
	d = d.written(t, history.DefaultKeep())
	if got, err = d.Run(t.Context(), r.ID); err != nil || got.Reason != "interrupted: kitops was killed, will run again" || got.Bytes != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	if text := d.text(t, r.ID); text != "half\n" {
		t.Errorf("printed %q", text)
	}
}

func TestADamagedHistoryIsSetAside(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"no database": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("x", 10_000)), 0o600) },
		"half": func(path string) error {
			data, err := os.ReadFile(path)
			for i := 4096; i < len(data); i++ {
				data[i] ^= 0x55
			}
			return errors.Join(err, os.WriteFile(path, data, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, t.TempDir(), history.DefaultKeep())
			d.whole(run("20260504t120000-aaaaaaaaaa"), "old\n")
			d.Close(time.Minute)
			if err := damage(filepath.Join(d.dir, "runs.db")); err != nil {
				t.Fatal(err)
			}
			d = open(t, d.dir, history.DefaultKeep())
			d.whole(run("20260504t120001-aaaaaaaaaa"), "new\n")
			d.Close(time.Minute)
			if n := strings.Count(d.log.String(), "level=WARN"); n != 1 || !strings.Contains(d.log.String(), "runs.db.damaged-") {
				t.Errorf("%d warnings: %s", n, d.log)
			}
			d = d.written(t, history.DefaultKeep())
			if text := d.text(t, "20260504t120001-aaaaaaaaaa"); text != "new\n" {
				t.Errorf("printed %q", text)
			}
			aside, err := filepath.Glob(filepath.Join(d.dir, "runs.db.damaged-*"))
			if err != nil || len(aside) == 0 {
				t.Errorf("%v, %v", aside, err)
			}
		})
	}
}

func TestOutputWithoutARowIsRemoved(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	d.whole(run("20260504t120000-aaaaaaaaaa"), "new\n")
	d.Close(time.Minute)
	stray := filepath.Join(d.dir, "output", "20260504t120001-aaaaaaaaaa.log")
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d = d.written(t, history.DefaultKeep())
	if runs, _ := d.all(t); len(runs) != 1 {
		t.Errorf("%+v", runs)
	}
	if _, err := os.Lstat(stray); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A history that cannot be written warns once, and once again when it works.
func TestNothingWaitsForAHistoryThatFails(t *testing.T) {
	place := filepath.Join(t.TempDir(), "place")
	if err := os.WriteFile(place, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, filepath.Join(place, "history"), history.DefaultKeep())
	for range 3 {
		d.whole(run("20260504t120000-aaaaaaaaaa"), "lost\n")
	}
	d.Close(time.Minute)
	if n := strings.Count(d.log.String(), "level=WARN"); n != 1 || !strings.Contains(d.log.String(), place) {
		t.Errorf("%d warnings: %s", n, d.log)
	}
	if _, _, err := d.Runs(t.Context(), history.Filter{}); err == nil {
		t.Error("runs are listed all the same")
	}
}

func TestANewerHistoryIsLeftAlone(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	d.whole(run("20260504t120000-aaaaaaaaaa"), "new\n")
	d.Close(time.Minute)
	path := filepath.Join(d.dir, "runs.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[63] = 9 // the user version (https://www.sqlite.org/fileformat.html, 1.3)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	d = open(t, d.dir, history.DefaultKeep())
	if _, _, err := d.Runs(t.Context(), history.Filter{}); err == nil || !strings.Contains(err.Error(), "newer kitops") {
		t.Error(err)
	}
}

func TestOutputIsRemovedOnDemand(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	r := run("20260504t120000-aaaaaaaaaa")
	d.whole(r, "password: hunter2\n")
	d = d.written(t, history.DefaultKeep())
	if err := d.Remove(t.Context(), r.ID, "anna"); err != nil {
		t.Fatal(err)
	}
	got, err := d.Run(t.Context(), r.ID)
	if err != nil || got.Removed != "anna" || got.Bytes != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := d.Output(t.Context(), r.ID); !errors.Is(err, history.ErrRemoved) || !strings.Contains(err.Error(), "by anna") {
		t.Error(err)
	}
	left, err := os.ReadDir(filepath.Join(d.dir, "output"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if err := d.Remove(t.Context(), "nosuch", "anna"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// What fails at the start of each run is one warning, though the rest of a run is written.
func TestAnOutputThatCannotBeMadeIsOneWarning(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	d.whole(run("20260504t120000-aaaaaaaaaa"), "kept\n")
	d = d.written(t, history.DefaultKeep())
	d.all(t) // opens it
	for _, id := range []string{"20260504t120001-aaaaaaaaaa", "20260504t120002-aaaaaaaaaa"} {
		if err := os.Mkdir(filepath.Join(d.dir, "output", id+".log"), 0o700); err != nil {
			t.Fatal(err)
		}
		d.whole(run(id), "lost\n")
	}
	d.Close(time.Minute)
	if text := d.log.String(); strings.Count(text, "level=WARN") != 1 || strings.Contains(text, "written again") {
		t.Error(text)
	}
}
