//go:build unix

package main

import (
	"context"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

// githubPatience is longer than all pauses that kitops makes by itself: a no is
// believed for 30 seconds, a failing remote rests up to a minute here.
const githubPatience = 3 * time.Minute

// looksAtMain are the looks of a task on the branch main of acme/shop.
var looksAtMain = apptest.Filter{Kind: apptest.REST, Path: "/repos/acme/shop/commits/heads/main"}

// statusPosts are kitops' words to GitHub.
var statusPosts = apptest.Filter{Kind: apptest.REST, Method: http.MethodPost, Path: "/repos/*/*/statuses/*"}

// tokenRequests ask for installation tokens.
var tokenRequests = apptest.Filter{Kind: apptest.REST, Method: http.MethodPost, Path: "/app/installations/*/access_tokens"}

// lagged is for how long GitHub does not know what was made: some of the pauses of the tests' kitops.
const lagged = 150 * time.Millisecond

// promptly has every scene play on a GitHub that knows all at once, to compare.
var promptly = flag.Bool("promptly", false, "scenes play on a GitHub without lag")

// everywhere is a GitHub that lags in all that it can, as the real one does.
func everywhere() apptest.Lag {
	if *promptly {
		return apptest.Lag{}
	}
	return apptest.Lag{Token: lagged, Commit: lagged, Ref: lagged, Git: lagged, Permissions: lagged, Default: lagged}
}

// scene is the private repository acme/shop with one commit, an App that is
// installed on acme, and a directory for kitops, which watches main. GitHub
// lags; what a scene makes before it runs kitops is known by then.
type scene struct {
	*apptest.GitHub
	t            *testing.T
	dir          string
	shop         *apptest.Repository
	first        string // the commit
	app          *apptest.App
	installation *apptest.Installation
	env          []string // beside the usual
}

func newScene(t *testing.T, o apptest.Options) *scene {
	t.Helper()
	o.Lag = everywhere()
	return newPromptScene(t, o)
}

// newPromptScene is a scene whose GitHub lags only as it is told to: the scene
// counts what GitHub is asked, or has moments of its own.
func newPromptScene(t *testing.T, o apptest.Options) *scene {
	t.Helper()
	scenic(t)
	t.Parallel()
	s := &scene{GitHub: apptest.New(t, o), t: t, dir: t.TempDir()}
	s.AddOrg("acme")
	s.shop = s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	s.first = s.shop.Push("main", map[string]string{"README.md": "# Shop\n"})
	s.app = s.RegisterApp("acme", "Kit Ops", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}, Public: true,
	})
	s.installation = s.app.Install("acme", nil)
	for _, dir := range []string{"tmp", "home"} {
		if err := os.Mkdir(s.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.write("key.pem", string(s.app.PrivateKey()))
	t.Cleanup(s.findSecrets)
	return s
}

// waits leaves a test to the full form: half a minute passes in it while kitops waits for an answer.
func waits(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits longer than the short form lasts")
	}
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

// write puts a file into the scene's directory that only its owner reads.
func (s *scene) write(name, content string) string {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.path(name)
}

// read returns a file of the scene's directory; what is not there is empty.
func (s *scene) read(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return string(data)
}

// ran are the revisions that actions were run on.
func (s *scene) ran() []string { return strings.Fields(s.read("ran")) }

const note = `echo $KITOPS_SHA >> $PLACE/ran`

// github are the flags that name the App.
func (s *scene) github() []string {
	return []string{
		"--github-app-id", s.app.ClientID, "--github-private-key-file", s.path("key.pem"), "--github-api-url", s.APIURL,
	}
}

// memory are the flags that say where kitops keeps what, and how it speaks.
func (s *scene) memory() []string {
	return []string{
		"--state-file", s.path("state.yaml"), "--repo-dir", s.path("clones"), "--interval", "200ms",
		"--log-format", "text", "--log-level", "debug",
	}
}

// task are the flags for an action on every revision of main.
func (s *scene) task(action string) []string {
	return append(s.github(), "--url", s.shop.CloneURL(), "--branch", "main", "--action", action, "--environment", "PLACE="+s.dir)
}

// tasks are the flags for a task file.
func (s *scene) tasks(text string) []string {
	return append(s.github(), "--config-file", s.write("tasks.yaml", os.Expand(text, func(name string) string {
		return map[string]string{"GITHUB": s.URL, "PLACE": s.dir, "DOLLAR": "$"}[name]
	})))
}

func (s *scene) command(args ...string) *exec.Cmd {
	s.Settle()
	cmd := exec.Command("kitops", args...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("home"), "TMPDIR=" + s.path("tmp"), "GORACE=atexit_sleep_ms=10 halt_on_error=1",
	}, s.env...)
	return cmd
}

// once runs kitops --poll-once to its end and returns what it said.
func (s *scene) once(code int, args ...string) string {
	s.t.Helper()
	return s.ends(code, append(slices.Concat(args, s.memory()), "--poll-once")...)
}

// ends runs kitops to its end, which must be with this code, and returns what
// it said. A task that is not due yet will be in a moment.
func (s *scene) ends(code int, args ...string) string {
	s.t.Helper()
	cmd := s.command(args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	if strings.Contains(string(out), "not due yet") {
		return s.ends(code, args...)
	}
	s.write("out.log", s.read("out.log")+string(out))
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("exit code %d, want %d:\n%s", got, code, out)
	}
	return string(out)
}

// await waits until GitHub is as it should be.
func (s *scene) await(what string, cond func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(githubPatience); ; {
		// What GitHub does not see, such as a page of kitops, wakes nobody: so it is asked again now and then.
		ctx, cancel := context.WithTimeout(s.t.Context(), 100*time.Millisecond)
		err := s.Await(ctx, cond)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("never: %s\n%s", what, s.story())
		}
	}
}

// said are the states that were posted for a commit, in order.
func (s *scene) said(sha string) []string {
	var states []string
	for _, status := range s.statuses(sha) {
		states = append(states, status.State)
	}
	return states
}

// statuses are those of a commit of acme/shop, whatever it is called by now.
func (s *scene) statuses(sha string) []apptest.Status { return s.shop.Statuses(sha) }

// awaitStatus waits for a last word of kitops on a commit and returns it.
func (s *scene) awaitStatus(sha, state string) apptest.Status {
	s.t.Helper()
	var last apptest.Status
	s.await("the status "+state+" of "+sha, func() bool {
		all := s.statuses(sha)
		if len(all) > 0 {
			last = all[len(all)-1]
		}
		return last.State == state
	})
	return last
}

// wantSaid fails the test unless these are the states that were posted. A run
// may be over before it was announced.
func (s *scene) wantSaid(sha string, states ...string) {
	s.t.Helper()
	got := s.said(sha)
	if !slices.Equal(got, states) && !slices.Equal(append([]string{"pending"}, got...), states) {
		s.t.Errorf("statuses %v, want %v\n%s", got, states, s.story())
	}
}

func (s *scene) wantRan(shas ...string) {
	s.t.Helper()
	if got := s.ran(); !slices.Equal(got, shas) {
		s.t.Errorf("ran %v, want %v\n%s", got, shas, s.story())
	}
}

// wantWords fails the test unless the text has all the words.
func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
}
