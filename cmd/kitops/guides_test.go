package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestGuidesRun runs the task file of each guide for those who come from another program: once well, once failing.
func TestGuidesRun(t *testing.T) {
	t.Parallel()
	guides, err := filepath.Glob("../../docs/from-*.md")
	if err != nil || len(guides) < 5 {
		t.Fatal(guides, err)
	}
	for _, guide := range guides {
		t.Run(strings.TrimSuffix(filepath.Base(guide), ".md"), func(t *testing.T) {
			t.Parallel()
			home, repo := t.TempDir(), gittest.New(t)
			if err := os.WriteFile(filepath.Join(repo.Work, "deploy.sh"), nil, 0o755); err != nil {
				t.Fatal(err)
			}
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write("mail", "#!/bin/sh\necho \"$@\" >> \"$HOME/mails\"\ncat >> \"$HOME/mails\"\n")
			text, err := os.ReadFile(guide)
			if err != nil {
				t.Fatal(err)
			}
			example := blocks(string(text), "yaml")[0]
			write("tasks.yaml", strings.NewReplacer("https://github.com/acme/shop", repo.Dir, "5m", "1ns").Replace(example))
			run := func(script string) string {
				repo.Commit(map[string]string{"deploy.sh": "#!/bin/sh\n" + script})
				cmd := exec.CommandContext(t.Context(), "kitops", "--config-file", "tasks.yaml", "--poll-once", "--again")
				cmd.Dir = home
				cmd.Env = []string{"HOME=" + home, "PATH=" + home + ":" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=10", "KITOPS_LOG_FORMAT=json"}
				out, _ := cmd.CombinedOutput()
				return string(out)
			}
			if out := run("echo deployed >> \"$HOME/done\"\n"); !strings.Contains(out, `"outcome":"success"`) {
				t.Fatalf("%s\n%s", out, example)
			}
			if done, err := os.ReadFile(filepath.Join(home, "done")); string(done) != "deployed\n" {
				t.Errorf("%q, %v", done, err)
			}
			if out := run("echo why it broke\nexit 3\n"); !strings.Contains(out, `"outcome":"failure"`) {
				t.Errorf("%s\n%s", out, example)
			}
			mails, _ := os.ReadFile(filepath.Join(home, "mails"))
			if strings.Contains(example, "mail -s") && string(mails) != "-s shop failed - exit status 3 ops@example.com\nwhy it broke\n" {
				t.Errorf("%q", mails)
			}
		})
	}
}
