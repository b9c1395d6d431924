//go:build unix

package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// seenRSSGoal is what history, page and metrics may cost an idle agent, in MB.
const seenRSSGoal = 12.0

// idleSeen compares an agent with a history, a page and metrics with one that has none of them.
func (w *workbench) idleSeen(b *testing.B) {
	s := serve(b, w.small)
	tasks := fmt.Sprintf("tasks:\n  - {name: t, git: {url: %s}, interval: 4m, actions: [{name: a, entrypoint: /bin/true}]}\n", s.url)
	with := w.idleRSS(b, tasks, 1, "--page", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
	without := w.idleRSS(b, tasks, 1, "--history", "off", "--control", "off")
	w.add(b, "RSS of an idle agent: with history, page and metrics | without", "MB", with, without)
	if with-without > seenRSSGoal {
		b.Errorf("history, page and metrics cost %.1f MB; the goal is %.0f MB", with-without, seenRSSGoal)
	}
}

// idleRSS is what an agent takes, in MB, that has run so many times and is idle.
func (w *workbench) idleRSS(b *testing.B, tasks string, runs int, args ...string) float64 {
	b.Helper()
	dir := ramTB{b}.TempDir()
	file := filepath.Join(dir, "tasks.yaml")
	if err := os.WriteFile(file, []byte(tasks), 0o600); err != nil {
		b.Fatal(err)
	}
	args = append(args, "--config-file", file, "--state-file", filepath.Join(dir, "state.yaml"), "--repo-dir", filepath.Join(dir, "repos"), "--log-format", "json")
	cmd := exec.Command(w.kitops, args...)
	cmd.Dir, cmd.Env = dir, append(gittest.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	a := startAgent(b, cmd)
	for range runs {
		a.await(b, "run finished", nil)
	}
	time.Sleep(5 * time.Second) // so that it is idle
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	_, after, found := strings.Cut(string(status), "VmRSS:")
	if err != nil || !found {
		b.Fatal("no VmRSS in /proc")
	}
	kb, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	a.stop(b)
	return kb / 1024
}
