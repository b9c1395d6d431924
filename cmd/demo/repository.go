package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// repository is a bare repository and a work tree that pushes to it.
type repository struct{ bare, work string }

// push is a commit that git has delivered.
type push struct {
	branch, sha string
	pushed      time.Time
}

func newRepository(ctx context.Context, dir string) (repository, error) {
	r := repository{bare: filepath.Join(dir, "shop.git"), work: filepath.Join(dir, "work")}
	if _, err := git(ctx, dir, "init", "--quiet", "--bare", r.bare); err != nil {
		return r, err
	}
	_, err := git(ctx, dir, "clone", "--quiet", r.bare, r.work)
	return r, err
}

// commit writes files, commits them and pushes the commit to a branch.
func (r repository) commit(ctx context.Context, branch, message string, files map[string]string) (push, error) {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(r.work, name), []byte(content), 0o755); err != nil { // scripts are among them
			return push{}, err
		}
	}
	for _, args := range [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--allow-empty", "--message", message},
		{"push", "--quiet", "origin", "HEAD:refs/heads/" + branch},
	} {
		if _, err := git(ctx, r.work, args...); err != nil {
			return push{}, err
		}
	}
	pushed := time.Now()
	sha, err := git(ctx, r.work, "rev-parse", "HEAD")
	return push{branch: branch, sha: sha, pushed: pushed}, err
}

// git runs git in dir with nobody's configuration, and returns what it printed.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, gittest.Environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
