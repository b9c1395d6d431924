package poller

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stubborn makes a folder that cannot be removed, whoever tries: it is in use as
// a mount point would be, in that its parent is no directory any more.
func stubborn(t *testing.T, dir, name string) string {
	t.Helper()
	file := filepath.Join(dir, name+".file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(file, "below")
}

func TestWhatCannotBeRemovedIsNamedOnceThenCounted(t *testing.T) {
	var l leftovers
	dir := t.TempDir()
	said := 0
	for i := range 20 {
		l.add(stubborn(t, dir, fmt.Sprint("folder", i)))
		err := l.sweep(t.Context())
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("folder%d.file", i)) {
			t.Fatalf("sweep %d: %v", i, err)
		}
		if i > 0 && !strings.Contains(err.Error(), fmt.Sprintf("%d more", i)) {
			t.Errorf("sweep %d does not count the rest: %v", i, err)
		}
		said += len(err.Error())
	}
	if most := 20 * 2 * (len(dir) + 200); said > most {
		t.Errorf("%d bytes were said, %d are enough", said, most)
	}
	if err := l.sweep(t.Context()); err != nil {
		t.Errorf("nothing is new: %v", err)
	}
}

func TestASweepEndsWithItsContext(t *testing.T) {
	var l leftovers
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l.add(dir)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, "no error, since nothing is wrong", l.sweep(ended), nil)
	want(t, "still there", exists(dir), true)
	want(t, "the next one", []any{l.sweep(t.Context()), exists(dir)}, []any{nil, false})
}

func TestASweepEndsWhenActionsAreKilled(t *testing.T) {
	p := New()
	kill := make(chan struct{})
	p.Kill = kill
	close(kill)
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.leftovers.add(dir)
	want(t, "left alone", []any{p.sweep(t.Context()), exists(dir)}, []any{nil, true})
}
