//go:build unix

package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// newcomer is somebody who has the program, an organization with a private
// repository, and nothing else yet.
type newcomer struct {
	*apptest.GitHub
	t    *testing.T
	shop *apptest.Repository
	dir  string
	env  []string
}

func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	n := &newcomer{GitHub: apptest.New(t, apptest.Options{Lag: everywhere()}), t: t, dir: t.TempDir()}
	n.AddUser("mona")
	n.AddOrg("acme")
	n.shop = n.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	n.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "TMPDIR=" + t.TempDir(), "KITOPS_GITHUB_API_URL=" + n.APIURL,
		"KITOPS_INTERVAL=200ms", "GORACE=atexit_sleep_ms=10 halt_on_error=1",
	}
	return n
}

// errand is a program of the newcomer's in the background.
type errand struct {
	n    *newcomer
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

func (n *newcomer) start(name string, args ...string) *errand {
	n.t.Helper()
	e := &errand{n: n, cmd: exec.Command(args[0], args[1:]...), log: filepath.Join(n.dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(e.log)
	if err != nil {
		n.t.Fatal(err)
	}
	defer log.Close()
	e.cmd.Env, e.cmd.Dir, e.cmd.Stdout, e.cmd.Stderr = n.env, n.dir, log, log
	if err := e.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func() {
		_ = e.cmd.Wait() // ends looks at the state
		close(e.done)
	}()
	n.t.Cleanup(func() { _ = e.cmd.Process.Signal(syscall.SIGTERM); <-e.done })
	return e
}

// story is what the program has said.
func (e *errand) story() string {
	e.n.t.Helper()
	data, err := os.ReadFile(e.log)
	if err != nil {
		e.n.t.Fatal(err)
	}
	return string(data)
}

// says waits for words that match, and returns the first group of them.
func (e *errand) says(pattern string) string {
	e.n.t.Helper()
	var found []string
	if !eventually(func() bool { found = regexp.MustCompile(pattern).FindStringSubmatch(e.story()); return found != nil }) {
		e.n.t.Fatalf("never %s:\n%s", pattern, e.story())
	}
	return found[1]
}

// ends waits for the end, which must be with this code.
func (e *errand) ends(code int) {
	e.n.t.Helper()
	if !eventually(func() bool {
		select {
		case <-e.done:
			return true
		default:
			return false
		}
	}) {
		e.n.t.Fatalf("it does not end:\n%s", e.story())
	}
	if got := e.cmd.ProcessState.ExitCode(); got != code {
		e.n.t.Fatalf("exit code %d, want %d:\n%s", got, code, e.story())
	}
}

// setUp runs kitops setup, and walk as the one who sits before the browser. It
// returns the command that is printed at the end.
func (n *newcomer) setUp(walk func(address string)) (command string) {
	n.t.Helper()
	setup := n.start("setup", "kitops", "setup", "--org", "acme")
	address := setup.says(`(?m)^  (http://127\.0\.0\.1:\d+/\S+/)$`)
	walk(address)
	n.seesTheEnd(address)
	setup.ends(0)
	return setup.says(`(?m)^Run kitops:\n\n  (.+)$`)
}

// seesTheEnd has the page of setup open, as a browser has it, until setup ends.
func (n *newcomer) seesTheEnd(address string) {
	n.t.Helper()
	if !eventually(func() bool {
		resp, err := http.Get(address)
		if err == nil {
			err = resp.Body.Close()
		}
		return err != nil
	}) {
		n.t.Fatal("setup does not end")
	}
}

// goesGreen runs the command until what is pushed has a green status.
func (n *newcomer) goesGreen(command string) {
	n.t.Helper()
	first := n.shop.Push("main", map[string]string{"README.md": "# Shop\n"})
	agent := n.start("agent", "sh", "-c", "exec "+command)
	n.awaitSuccess(agent, first)
	n.awaitSuccess(agent, n.shop.Push("main", map[string]string{"README.md": "# The shop\n"}))
	_ = agent.cmd.Process.Signal(syscall.SIGTERM)
	agent.ends(0)
}

func (n *newcomer) awaitSuccess(agent *errand, sha string) {
	n.t.Helper()
	n.awaitSuccessOf(agent, sha, "kitops/hello")
}

func (n *newcomer) awaitSuccessOf(agent *errand, sha, name string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), githubPatience)
	defer cancel()
	if err := n.Await(ctx, func() bool {
		all := n.shop.Statuses(sha)
		return len(all) > 0 && all[len(all)-1].State == "success" && all[len(all)-1].Context == name
	}); err != nil {
		n.t.Fatalf("%s never becomes green: %+v\n%s", sha, n.shop.Statuses(sha), agent.story())
	}
}
