//go:build unix

package runners_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/runners"
)

// TestDiagnosis: of the newest files in _diag the end is told, from the beginning of a line. What a job has put there to have
// other files read, or to hold kitops up, is not opened.
func TestDiagnosis(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	dir := filepath.Join(above, "runner")
	diag := filepath.Join(dir, "_diag")
	if err := os.MkdirAll(filepath.Join(diag, "pages"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string, age time.Duration) {
		at := time.Now().Add(-age)
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	whole := strings.Repeat("x", 99) + "\n"
	write(filepath.Join(above, "foreign"), "of another\n", 0)
	write(filepath.Join(diag, "Runner_1.log"), "older\n", time.Hour)
	write(filepath.Join(diag, "Runner_2.log"), "listens\n", time.Minute)
	write(filepath.Join(diag, "Worker_2.log"), strings.Repeat(whole, 1000)+"the last", time.Second)
	if err := os.Symlink("../../foreign", filepath.Join(diag, "link.log")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(diag, "pipe.log"), 0o644); err != nil {
		t.Fatal(err)
	}
	told := runners.Copy{}.Diagnosis(dir)
	want := "_diag/Runner_2.log ends:\nlistens\n_diag/Worker_2.log ends:\n" + strings.Repeat(whole, 163) + "the last\n"
	if told != want {
		t.Errorf("%d bytes are told, not %d:\n%s", len(told), len(want), told)
	}
	me := &runners.User{UID: os.Geteuid()}
	if told := (runners.Copy{User: me}).Diagnosis(dir); told != want {
		t.Errorf("of the jobs' user:\n%s", told)
	}
	me.UID++
	if told := (runners.Copy{User: me}).Diagnosis(dir); told != "" {
		t.Errorf("of another user:\n%s", told)
	}
	if err := os.Rename(diag, filepath.Join(above, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../elsewhere", diag); err != nil {
		t.Fatal(err)
	}
	if told := (runners.Copy{}).Diagnosis(dir); told != "" {
		t.Errorf("through a link:\n%s", told)
	}
}
