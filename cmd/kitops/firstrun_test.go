//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// chapter is a section of README, without its heading.
func chapter(t *testing.T, title string) string {
	t.Helper()
	_, text, ok := strings.Cut(document(t, "README.md"), "\n## "+title+"\n")
	if !ok {
		t.Fatalf("README has no %q", title)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// TestDocsFirstRun does what README says about a repository of one's own, and
// sees what it shows.
func TestDocsFirstRun(t *testing.T) {
	t.Parallel()
	text := chapter(t, "A minute to the first run")
	home := t.TempDir()
	repo := gittest.NewAt(t, filepath.Join(home, "shop.git"), filepath.Join(home, "src/shop"))
	repo.Commit(map[string]string{"README.md": "# Shop\n"})
	commands := blocks(text, "sh")
	run := func(command string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", command)
		cmd.Dir = home
		cmd.Env = append(gittest.Environ(), "PATH="+os.Getenv("PATH"), "HOME="+home, "TMPDIR="+t.TempDir(), "KITOPS_LOG_FORMAT=console", "GORACE=atexit_sleep_ms=10")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	out := run(commands[1])
	shown := strings.TrimSpace(blocks(text, "text")[0])
	for line := range strings.Lines(shown) {
		pattern := regexp.QuoteMeta(strings.TrimSpace(line))
		pattern = regexp.MustCompile(`\d\d:\d\d:\d\d|8e1f6a2|\d+ms`).ReplaceAllString(pattern, `\S+`)
		if !regexp.MustCompile("(?m)^" + pattern + "$").MatchString(out) {
			t.Errorf("README shows\n%swhere kitops says\n%s", line, out)
		}
	}
	if lines, want := strings.Count(out, "\n"), strings.Count(shown, "\n")+1; lines != want {
		t.Errorf("%d lines, README shows %d:\n%s", lines, want, out)
	}
	if again := run(commands[1]); !strings.Contains(text, "it says `not run: nothing new`") || !strings.HasSuffix(again, " not run: nothing new\n") {
		t.Errorf("called again it says\n%s", again)
	}
}

// TestDocsFiveMinutes does what README says about a private repository.
func TestDocsFiveMinutes(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	text := chapter(t, "Five minutes to a private repository with statuses")
	commands := blocks(text, "sh")
	if strings.TrimSpace(commands[0]) != "kitops setup --org acme" {
		t.Fatal(commands)
	}
	n.setUp(n.walk)
	tasks := filepath.Join(n.dir, ".config/kitops/tasks.yaml")
	task := strings.ReplaceAll(blocks(text, "yaml")[0], "https://github.com", n.URL)
	if err := os.WriteFile(tasks, []byte(task), 0o600); err != nil {
		t.Fatal(err)
	}
	sha := n.shop.Push("main", map[string]string{"Makefile": "all:\n\ttrue\n", "deploy.sh": "#!/bin/sh\ntest $1 = $KITOPS_SHA\n"})
	try, run, _ := strings.Cut(strings.TrimSpace(commands[1]), "\n")
	n.start("doctor", "sh", "-c", strings.TrimSpace(try)).ends(0)
	agent := n.start("agent", "sh", "-c", "exec "+strings.TrimSpace(run))
	n.awaitSuccessOf(agent, sha, "kitops/deploy")
	_ = agent.cmd.Process.Signal(syscall.SIGTERM)
	agent.ends(0)
}
