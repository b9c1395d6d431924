package upgrade

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// tryLimit is how long a program may take to say its version, or to check settings.
const tryLimit = 30 * time.Second

// Trier runs a program that is to be installed, before it is.
type Trier struct {
	Settings []string                  // the flags that kitops check is to take; nil: there are none to try
	Environ  []string                  // of the program
	As       func(cmd *exec.Cmd)       // makes it another user's; nil: this one's
	Run      func(cmd *exec.Cmd) error // starts it and waits; nil: as usual
}

// Try tells what is wrong with the program at path. Version is what it must say it is.
func (t Trier) Try(ctx context.Context, path, version string) error {
	said, err := t.run(ctx, path, "version")
	if err != nil {
		return err
	}
	if found := versionIn(said); found != version {
		return fmt.Errorf("it says that it is %q, not %s", found, version)
	}
	if t.Settings == nil {
		return nil
	}
	_, err = t.run(ctx, path, append([]string{"check"}, t.Settings...)...)
	return err
}

// Version asks a program what it is.
func (t Trier) Version(ctx context.Context, path string) (string, error) {
	said, err := t.run(ctx, path, "version")
	if err == nil && versionIn(said) == "" {
		err = errors.New("it is no kitops")
	}
	return versionIn(said), err
}

// versionIn reads the first line of kitops version: kitops v0.2.0 (go1.26 linux/amd64).
func versionIn(said string) string {
	line, _, _ := strings.Cut(said, "\n")
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "kitops" {
		return ""
	}
	return strings.TrimPrefix(words[1], "v")
}

func (t Trier) run(ctx context.Context, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	for {
		said, err := t.runOnce(ctx, path, args...)
		if !errors.Is(err, syscall.ETXTBSY) {
			return said, err
		}
		time.Sleep(10 * time.Millisecond) // a child that is being made still has the file open that was written
	}
}

func (t Trier) runOnce(ctx context.Context, path string, args ...string) (string, error) {
	var said, complaint strings.Builder
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = t.Environ, &said, &complaint, time.Second
	if t.As != nil {
		t.As(cmd)
	}
	start := t.Run
	if start == nil {
		start = (*exec.Cmd).Run
	}
	err := start(cmd)
	if ctx.Err() != nil {
		err = fmt.Errorf("it takes more than %s", tryLimit)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w%s", args[0], err, indented(complaint.String()))
	}
	return said.String(), nil
}

// indented has a few lines of what a program said, below an error.
func indented(text string) string {
	const most = 10
	var all strings.Builder
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	for _, line := range lines {
		if line != "" {
			all.WriteString("\n  " + line)
		}
	}
	return all.String()
}
