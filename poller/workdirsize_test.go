//go:build linux

package poller

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// TestWorkdirThatGrows ends the action by which it does, names the limit, and still clears up; an action's own limit
// holds beside the task's.
func TestWorkdirThatGrows(t *testing.T) {
	for name, limits := range map[string][2]int64{"of the task": {4 << 20, 0}, "of the action": {1 << 30, 4 << 20}} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			r := newRemote("main a")
			task := r.task("deploy", "main")
			task.Limits.Workdir = limits[0]
			sh := func(name, script string) actions.Action {
				return actions.Action{Name: name, Entrypoint: "/bin/sh", Args: []string{"-c", script}}
			}
			grow := sh("grow", "mkdir sub; head -c 6000000 /dev/zero >sub/file; while :; do sleep 1; done")
			grow.Limits.Workdir = limits[1]
			task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
				return Plan{Actions: []actions.Action{sh("small", "head -c 1000 /dev/zero >file"), grow}, Always: []actions.Action{sh("clear", "rm -r sub && touch "+out+"/cleared")}}, nil
			}
			b := newBench(t, task)
			b.RepoDir, b.Environ = t.TempDir(), os.Environ()
			if err := b.Once(t.Context(), true); err == nil {
				t.Fatal("it succeeded")
			}
			run := b.state(t, "deploy").Refs["refs/heads/main"].Run
			want(t, "outcome", run.Outcome, Failure)
			want(t, "action", run.Action, "grow")
			want(t, "reason", run.Reason, "its directory takes more than limits.workdir, 4MB")
			if _, err := os.Stat(filepath.Join(out, "cleared")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWorkdirNestedTooDeep(t *testing.T) {
	r := newRemote("main a")
	task := r.task("deploy", "main")
	task.Limits.Workdir = 1 << 30
	task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
		return Plan{Actions: []actions.Action{{Name: "dig", Entrypoint: "/bin/sh", Args: []string{"-c", "mkdir -p " + strings.Repeat("d/", 200) + "; while :; do sleep 1; done"}}}}, nil
	}
	b := newBench(t, task)
	b.RepoDir, b.Environ = t.TempDir(), os.Environ()
	if err := b.Once(t.Context(), true); err == nil {
		t.Fatal("it succeeded")
	}
	want(t, "reason", b.state(t, "deploy").Refs["refs/heads/main"].Run.Reason, sizeError{deep: true}.Error())
}
