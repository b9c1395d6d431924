package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestNotifications: executions one after the other tell each change once, and a trial arrives.
func TestNotifications(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m struct{ Change, Text string }
		_ = json.Unmarshal(body, &m)
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, m.Change+": "+m.Text)
		if r.URL.Path != "/a-secret-path" || r.Header.Get("X-Kitops-Signature-256") == "" {
			t.Errorf("%s, %v", r.URL, r.Header)
		}
	}))
	t.Cleanup(server.Close)
	dir, repo := t.TempDir(), gittest.New(t)
	for name, text := range map[string]string{
		"url": server.URL + "/a-secret-path\n", "key": "signed with this\n",
		"tasks.yaml": `
notify: [{to: webhook, url_file: url, secret_file: key}]
tasks:
  - name: shop
    git: {url: ` + repo.Dir + `}
    interval: 1ns
    actions: [{name: deploy, run: "grep -q good file"}]
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kitops := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "kitops", append(args, "--config-file", "tasks.yaml")...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=10"}
		if out, _ := cmd.CombinedOutput(); strings.Contains(string(out), "a-secret-path") || strings.Contains(string(out), "DATA RACE") {
			t.Errorf("%s", out)
		}
	}
	repo.Commit(map[string]string{"file": "bad"})
	kitops("--poll-once", "--again")
	kitops("--poll-once", "--again")
	repo.Commit(map[string]string{"file": "good"})
	kitops("--poll-once")
	kitops("--poll-once", "--again")
	kitops("doctor", "--notify-trial")
	repo.Commit(map[string]string{"file": "bad"})
	kitops("--poll-once")
	repo.Commit(map[string]string{"file": "good"})
	tasks, err := os.ReadFile(filepath.Join(dir, "tasks.yaml"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "tasks.yaml"), []byte(strings.Replace(string(tasks), "name: shop", "name: blog", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	kitops("--poll-once")
	kitops("--poll-once")
	mu.Lock()
	defer mu.Unlock()
	want := []string{"failure: shop (main at ", "recovery: shop (main at ", "start: A trial of kitops", "failure: shop (main at ", "gone: shop: main is no longer watched; since "}
	if !slices.EqualFunc(heard, want, strings.HasPrefix) || !strings.Contains(heard[0], "failed: deploy: exit status 1") {
		t.Errorf("%q", heard)
	}
	state, _ := os.ReadFile(filepath.Join(dir, "state.yaml"))
	if strings.Contains(string(state), "a-secret-path") || strings.Contains(string(state), "unreported") {
		t.Errorf("%s", state)
	}
}

// TestEachTaskHasItsOwnTemplate has two tasks tell one address, each in its words.
func TestEachTaskHasItsOwnTemplate(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m struct{ Text string }
		_ = json.Unmarshal(body, &m)
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, m.Text)
	}))
	t.Cleanup(server.Close)
	dir, repo := t.TempDir(), gittest.New(t)
	repo.Commit(map[string]string{"file": "bad"})
	task := func(name, template string) string {
		return "  - name: " + name + "\n    git: {url: " + repo.Dir + "}\n    actions: [{run: exit 1}]\n    notify: [{to: webhook, url_file: url, template: '" + template + "'}]\n"
	}
	for name, text := range map[string]string{"url": server.URL + "\n", "tasks.yaml": "tasks:\n" + task("shop", "one: {{.Task}}") + task("blog", "two: {{.Task}}")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "kitops", "--poll-once", "--config-file", "tasks.yaml")
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=10"}
	out, _ := cmd.CombinedOutput()
	mu.Lock()
	defer mu.Unlock()
	if slices.Sort(heard); !slices.Equal(heard, []string{"one: shop", "two: blog"}) {
		t.Errorf("%q\n%s", heard, out)
	}
}
