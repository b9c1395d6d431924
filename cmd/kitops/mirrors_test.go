package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bittrance/kitops/poller/git"
)

// TestSweepMirrors keeps what mirrors of tasks have, longer histories included.
func TestSweepMirrors(t *testing.T) {
	dir := t.TempDir()
	m := newMirrors(dir, 0, slog.New(slog.DiscardHandler))
	var names []string
	for _, address := range []string{"https://example.com/a", "https://example.com/b"} {
		url, err := git.ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		var settings taskSettings
		settings.URL = url
		names = append(names, filepath.Base(m.get(settings, nil).Dir))
	}
	kept := []string{names[0], names[0] + "-history-5", names[0] + "-history-full", names[0] + "-sub-0123", names[0] + "-sub-0123-history-5", names[1]}
	for _, name := range append(slices.Clone(kept), names[0]+"-2", names[0]+"-2-history-5", names[1]+"x", "0123456789abcdef", "0123456789abcdef-history-5", "0123456789abcdef-sub-0123") {
		if err := os.MkdirAll(filepath.Join(dir, name, "objects"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.sweep(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	slices.Sort(kept)
	if !slices.Equal(left, kept) {
		t.Errorf("left are %v, want %v", left, kept)
	}
}
