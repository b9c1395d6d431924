package gittest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TryGit runs git and gives what it printed, nothing if it failed.
func TryGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	git := exec.CommandContext(t.Context(), "git", args...)
	git.Dir, git.Env = dir, Environ()
	out, err := git.Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// Write writes a file, and the directories above it.
func Write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Generous keeps a broken test from hanging; nothing should come near it.
func Generous(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
