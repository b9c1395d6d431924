package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/git/gittest"
)

const (
	// stopLimit is how long one signal may take to end the agent, whatever it waits for.
	stopLimit = 10 * time.Second
	// diskLimit is the same where it waits for a disk that does not answer, which
	// nothing can interrupt: as long as an action may take, and a little.
	diskLimit = farewell
	// atOnce is what a second signal may take.
	atOnce = lastFarewell + time.Second
	// stall is how much slower a loaded machine may be.
	stall = 5 * time.Second
)

// waiting is an agent that is about to wait for something.
type waiting struct {
	t    *testing.T
	dir  string
	repo *gittest.Repo
	args []string // beside those that say where kitops keeps what
	log  *os.File // where its log goes, by default the test's

	wrapper    []string // what starts it
	stdin      *os.File
	attributes *syscall.SysProcAttr

	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

func (w *waiting) path(name string) string { return filepath.Join(w.dir, name) }

func (w *waiting) exists(name string) bool {
	found, err := filepath.Glob(w.path(name))
	return err == nil && len(found) > 0
}

// contains tells whether a file has the text.
func (w *waiting) contains(name, text string) bool {
	data, err := os.ReadFile(w.path(name))
	return err == nil && strings.Contains(string(data), text)
}

func (w *waiting) write(name, text string) string {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.path(name)
}

// await waits until it is so; what says so in words.
func (w *waiting) await(what string, ok func() bool) {
	w.t.Helper()
	if !eventually(ok) {
		w.t.Fatalf("never: %s", what)
	}
}

// task is an agent on the repository, with an action of this command.
func (w *waiting) task(command string) {
	w.args = append(w.args, "--url", w.repo.Dir, "--action", command, "--environment", "PLACE="+w.dir)
}

func (w *waiting) start() {
	w.t.Helper()
	line := slices.Concat(w.wrapper, []string{
		"kitops", "--state-file", w.path("state.yaml"), "--repo-dir", w.path("clones"), "--interval", "100ms", "--log-format", "text",
	}, w.args)
	w.cmd = exec.Command(line[0], line[1:]...)
	w.cmd.Dir, w.cmd.SysProcAttr = w.dir, w.attributes
	if w.stdin != nil {
		w.cmd.Stdin = w.stdin
	}
	w.cmd.Env = append(os.Environ(), "HOME="+w.dir, "GORACE=atexit_sleep_ms=10")
	w.cmd.Stderr = w.t.Output()
	if w.log != nil {
		w.cmd.Stderr = w.log
	}
	if err := w.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.ended = make(chan struct{})
	go func() {
		_ = w.cmd.Wait() // the state tells
		close(w.ended)
	}()
	w.t.Cleanup(func() { _ = w.cmd.Process.Kill(); <-w.ended })
}

// stop signals the agent once or twice, and fails the test if that takes longer
// than it may, or ends it like a crash.
func (w *waiting) stop(signals int, limit time.Duration) {
	w.t.Helper()
	began := time.Now()
	for n := range signals {
		if n > 0 { // at once it would be the same request
			select {
			case <-w.ended:
			case <-time.After(4 * sameStop):
			}
			began, limit = time.Now(), atOnce
		}
		_ = w.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	select {
	case <-w.ended:
	case <-time.After(limit + stall):
		w.t.Errorf("does not end within %s of signal %d", limit+stall, signals)
		return
	}
	w.t.Logf("ended %s after signal %d: %s", time.Since(began).Round(time.Millisecond), signals, w.cmd.ProcessState)
	if code := w.cmd.ProcessState.ExitCode(); code != 0 && code != exitFailure {
		w.t.Errorf("%s", w.cmd.ProcessState)
	}
}

// lease makes whoever opens a file wait, like a file system that does not
// answer, until the test has ended. It returns what tells whether somebody does.
func (w *waiting) lease(name string) (waited func() bool) {
	w.t.Helper()
	file, err := os.Open(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = file.Close() })
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		w.t.Fatal(err)
	}
	return func() bool {
		kind, err := unix.FcntlInt(file.Fd(), unix.F_GETLEASE, 0)
		return err == nil && kind != unix.F_WRLCK
	}
}

// TestStopsWhateverItWaitsFor stops the agent in each place where it can wait.
func TestStopsWhateverItWaitsFor(t *testing.T) {
	t.Parallel()
	places := map[string]struct {
		enter func(w *waiting) // returns when it waits there
		limit time.Duration    // stopLimit if zero
	}{
		"log":         {enter: waitInLog},
		"task file":   {enter: waitInTaskFile},
		"store":       {enter: waitInStore, limit: diskLimit},
		"look":        {enter: waitInLook},
		"fetch":       {enter: waitInFetch},
		"checkout":    {enter: waitInCheckout},
		"plan":        {enter: waitInPlan, limit: diskLimit},
		"action":      {enter: waitInAction},
		"removal":     {enter: waitInRemoval},
		"status post": {enter: waitInStatusPost},
	}
	for name, place := range places {
		for signals := 1; signals <= 2; signals++ {
			t.Run(fmt.Sprintf("%s/%d", name, signals), func(t *testing.T) {
				t.Parallel()
				w := &waiting{t: t, dir: t.TempDir(), repo: gittest.New(t)}
				w.repo.Commit(map[string]string{"file": "one"})
				place.enter(w)
				w.stop(signals, max(place.limit, stopLimit))
				if w.exists("pid") && w.contains("pid", "\n") {
					out, err := exec.Command("pgrep", "--session", strings.TrimSpace(readFile(t, w.path("pid")))).Output()
					if err == nil {
						t.Errorf("actions are left: %s", out)
					}
				}
			})
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// waitInLog: nobody reads. The run that says so much is not held up.
func waitInLog(w *waiting) {
	reader, writer, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = reader.Close() })
	w.log = writer
	w.task(`i=0; while [ $i -lt 5000 ]; do echo "a line that is long enough to fill a pipe"; i=$((i+1)); done`)
	w.start()
	_ = writer.Close()
	w.await("the run ends", func() bool { return w.contains("state.yaml", "outcome: success") })
}

func waitInTaskFile(w *waiting) {
	w.args = append(w.args, "--config-file", w.write("tasks.yaml", `tasks: [{name: shop, git: {url: "`+w.repo.Dir+`"}, actions: [{run: echo > "`+w.path("ran")+`"}]}]`))
	w.start()
	w.await("the action runs", func() bool { return w.exists("ran") })
	waited := w.lease("tasks.yaml")
	if err := w.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		w.t.Fatal(err)
	}
	w.await("the task file is read", waited)
}

func waitInStore(w *waiting) {
	w.task(`echo >> "$PLACE/ran"`)
	w.start()
	w.await("the run ends", func() bool { return w.contains("state.yaml", "outcome: success") })
	waited := w.lease("state.yaml")
	if err := os.Chtimes(w.path("state.yaml"), time.Time{}, time.Now().Add(time.Minute)); err != nil { // like an edit
		w.t.Fatal(err)
	}
	w.repo.Commit(map[string]string{"file": "two"})
	w.await("the state is read", waited)
}

// silence accepts a request that it never answers, and tells of it.
func silence(t *testing.T, r *http.Request, reached chan<- struct{}) {
	t.Helper()
	select {
	case reached <- struct{}{}:
	default:
	}
	<-r.Context().Done()
}

func waitInLook(w *waiting) {
	reached := make(chan struct{}, 1)
	server := newServer(w.t, func(_ http.ResponseWriter, r *http.Request) { silence(w.t, r, reached) })
	w.args = append(w.args, "--url", server+"/shop.git", "--action", "true")
	w.start()
	<-reached
}

func waitInFetch(w *waiting) {
	reached := make(chan struct{}, 1)
	handler := gittest.HTTPHandler(w.t, filepath.Dir(w.repo.Dir), gittest.HTTPOptions{})
	server := newServer(w.t, func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if bytes.Contains(body, []byte("command=fetch")) || bytes.Contains(body, []byte("want ")) {
			silence(w.t, r, reached)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler.ServeHTTP(out, r)
	})
	w.args = append(w.args, "--url", server+"/"+filepath.Base(w.repo.Dir), "--action", "true")
	w.start()
	<-reached
}

// large commits so many files that writing and removing them takes a while.
func (w *waiting) large() {
	var stream strings.Builder
	stream.WriteString("blob\nmark :1\ndata 1\nx\ncommit refs/heads/main\ncommitter c <c@example.com> 1700000000 +0000\ndata 5\nlarge\n")
	for i := range 2000 {
		fmt.Fprintf(&stream, "M 100644 :1 %03d/%05d\n", i/100, i)
	}
	gittest.GitInput(w.t, w.repo.Dir, stream.String(), "fast-import", "--quiet", "--force")
}

func waitInCheckout(w *waiting) {
	w.large()
	w.task("true")
	w.start()
	w.await("files are written", func() bool { return w.exists("clones/work/*/*/0*") })
}

// waitInPlan: a pattern that costs a lot to match.
func waitInPlan(w *waiting) {
	w.repo.Commit(map[string]string{".kitops.yaml": "branches: ['" + strings.Repeat("{,}", 40) + "c']\nactions: [{run: 'true'}]\n"})
	w.args = append(w.args, "--url", w.repo.Dir, "--action-file", ".kitops.yaml")
	w.start()
	w.await("the run has begun", func() bool { return w.contains("state.yaml", "attempt: 1") || w.contains("state.yaml", "outcome:") })
}

func waitInAction(w *waiting) {
	w.task(`trap "" TERM; echo $$ > "$PLACE/pid"; while :; do sleep 1; done`)
	w.start()
	w.await("the action runs", func() bool { return w.contains("pid", "\n") })
}

func waitInRemoval(w *waiting) {
	w.large()
	w.task(`echo > "$PLACE/ran"`)
	w.start()
	w.await("the action runs", func() bool { return w.exists("ran") })
	w.await("the run ends", func() bool { return w.contains("state.yaml", "outcome: success") })
}

func waitInStatusPost(w *waiting) {
	github := apptest.New(w.t, apptest.Options{})
	github.AddOrg("acme")
	shop := github.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	shop.Push("main", map[string]string{"file": "one"})
	app := github.RegisterApp("acme", "Kit Ops", apptest.AppOptions{Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}})
	app.Install("acme", nil)
	github.Inject(statusPosts, 0, apptest.Hang())
	w.args = append(w.args, "--url", shop.CloneURL(), "--action", "true", "--github-app-id", app.ClientID,
		"--github-private-key-file", w.write("key.pem", string(app.PrivateKey())), "--github-api-url", github.APIURL)
	w.start()
	w.await("a status is posted", func() bool { return github.Count(statusPosts) > 0 })
}

// newServer serves on loopback until the test has ended.
func newServer(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	listener := listenLoopback(t)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}
