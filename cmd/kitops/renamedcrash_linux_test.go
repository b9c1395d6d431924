package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestWhatTasksThatAreGoneLeftIsEnded has an agent killed while two tasks run.
// Then one of them has another name, the other is gone: the next agent ends what
// both left, and the renamed task does not begin beside its former self.
func TestWhatTasksThatAreGoneLeftIsEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	tasks := func(text string) {
		if err := os.WriteFile(path("tasks.yaml"), []byte("tasks: ["+text+"]"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	agent := func(args ...string) *exec.Cmd {
		cmd := exec.Command("kitops", append([]string{"--config-file", path("tasks.yaml"), "--state-file", path("state.yaml"), "--repo-dir", path("clones")}, args...)...)
		cmd.Env = append(os.Environ(), "TMPDIR="+dir, "GORACE=atexit_sleep_ms=10")
		cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
		return cmd
	}
	pid := func(name string) int {
		text, _ := os.ReadFile(path(name))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return pid
	}
	lives := func(name string) bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid(name)) + "/stat")
		return err == nil && !strings.Contains(string(stat), ") Z ")
	}
	shop, docs := gittest.New(t), gittest.New(t)
	shop.Commit(nil)
	docs.Commit(nil)
	hangs := func(name, url string) string {
		return `{name: ` + name + `, git: {url: "` + url + `"}, actions: [{run: "trap 'sleep 0.3; exit' TERM; echo $$ > ` + path("new-"+name) + `; mv ` + path("new-"+name) + ` ` + path(name) + `; sleep 1000 & wait"}]}`
	}
	tasks(hangs("before", shop.Dir) + ", " + hangs("gone", docs.Dir))
	killed := agent()
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, name := range []string{"before", "gone"} {
			if p := pid(name); p > 1 && lives(name) {
				_ = syscall.Kill(p, syscall.SIGKILL)
			}
		}
	})
	begun := eventually(func() bool { return lives("before") && lives("gone") })
	_ = killed.Process.Kill()
	_ = killed.Wait()
	if !begun || !lives("before") || !lives("gone") {
		t.Fatal("the actions do not run, or not on after the agent")
	}
	tasks(`{name: after, git: {url: "` + shop.Dir + `"}, actions: [{run: "case $(cut -d' ' -f3 /proc/` + strconv.Itoa(pid("before")) + `/stat) in ''|Z) touch ` + path("alone") + `; esac"}]}`)
	if err := agent("--poll-once").Run(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path("alone")); err != nil {
		t.Errorf("the renamed task ran beside what it left: %v", err)
	}
	if lives("before") || lives("gone") {
		t.Errorf("left running: before %t, gone %t", lives("before"), lives("gone"))
	}
}
