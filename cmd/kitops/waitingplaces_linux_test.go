package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/git/gittest"
)

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
