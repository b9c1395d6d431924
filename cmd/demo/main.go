// Command demo shows kitops at work. It makes a repository, runs the real
// binary on it, pushes to it, and shows what that prints; then the same with a
// private repository on GitHub, a stand-in on this machine, and with its check runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: demo KITOPS, the binary to show")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, newScreen(os.Stdout), os.Args[1])
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run plays the story in a temporary folder, which is gone when run returns.
func run(ctx context.Context, s screen, binary string) (err error) {
	dir, err := os.MkdirTemp("", "kitops-demo-*")
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.RemoveAll(dir); removed != nil {
			err = errors.Join(err, removed)
			return
		}
		s.say("", "Removed %s with all that was in it.", dir)
	}()
	if binary, err = filepath.Abs(binary); err != nil { // kitops runs in dir
		return err
	}
	repo, err := newRepository(ctx, dir)
	if err != nil {
		return err
	}
	story := &story{screen: s, dir: dir, page: filepath.Join(dir, "page.html"), repo: repo}
	if err := story.play(ctx, binary); err != nil {
		return err
	}
	hosted, err := newHosted(s, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hosted.github.Close()) }()
	if err := hosted.play(ctx, binary); err != nil {
		return err
	}
	checked, err := newChecked(hosted)
	if err != nil {
		return err
	}
	return checked.play(ctx, binary)
}
