package gittest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// HTTPOptions say who is let in. With no User everybody is.
type HTTPOptions struct{ User, Password string }

// ServeHTTP serves the repositories below dir by git http-backend, and returns
// the address that stands for dir.
func ServeHTTP(tb TB, dir string, o HTTPOptions) string {
	tb.Helper()
	server := httptest.NewServer(HTTPHandler(tb, dir, o))
	tb.Cleanup(server.Close)
	return server.URL
}

// execPath is where git has its programs.
var execPath = sync.OnceValue(func() string {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
})

// HTTPHandler is what ServeHTTP serves, for tests that put something before it.
func HTTPHandler(tb TB, dir string, o HTTPOptions) http.Handler {
	tb.Helper()
	backend := &cgi.Handler{
		Path:   filepath.Join(execPath(), "git-http-backend"),
		Dir:    dir,
		Env:    append(Environ(), "GIT_PROJECT_ROOT="+dir, "GIT_HTTP_EXPORT_ALL=1"),
		Logger: log.New(io.Discard, "", 0),
		Stderr: io.Discard,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if o.User != "" && (user != o.User || password != o.Password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="gittest"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
			http.Error(w, "read only", http.StatusForbidden)
			return
		}
		if !uploadPack(w, r, dir) {
			backend.ServeHTTP(w, r)
		}
	})
}

// uploadPack is UploadPack for the repository that the path names below dir.
func uploadPack(w http.ResponseWriter, r *http.Request, dir string) bool {
	repo := path.Clean(r.URL.Path)
	for _, service := range []string{"/git-upload-pack", "/info/refs"} {
		repo = strings.TrimSuffix(repo, service)
	}
	return UploadPack(w, r, filepath.Join(dir, filepath.FromSlash(repo)), Environ())
}

// UploadPack answers what git http-backend answers by git upload-pack alone, at
// the cost of a process or two less, or of none where git was asked the same of
// the same repository before. It leaves all else, and says so by false.
func UploadPack(w http.ResponseWriter, r *http.Request, repo string, environ []string) bool {
	isFetch := strings.HasSuffix(r.URL.Path, "/git-upload-pack") && r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/x-git-upload-pack-request"
	isList := strings.HasSuffix(r.URL.Path, "/info/refs") && r.Method == http.MethodGet && r.URL.RawQuery == "service=git-upload-pack"
	config, err := os.ReadFile(filepath.Join(repo, "config"))
	if _, head := os.Stat(filepath.Join(repo, "HEAD")); err != nil || head != nil || isFetch == isList || strings.Contains(string(config), "[http") {
		return false
	}
	args, answer, body := []string{"upload-pack", "--stateless-rpc", repo}, "result", io.Reader(r.Body)
	if isList {
		args[1], answer = "--http-backend-info-refs", "advertisement"
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(r.Body); err != nil {
			return false
		}
	}
	question, err := io.ReadAll(body)
	if err != nil {
		return false
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-"+answer)
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
	environ = append(slices.Clone(environ), "GIT_PROTOCOL="+r.Header.Get("Git-Protocol"))
	if isList && !strings.Contains(r.Header.Get("Git-Protocol"), "version=2") {
		_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000")
	}
	before, err := state(repo)
	key := fmt.Sprint(before, args[1], environ, "\n", string(question))
	if known, is := answers.Load(key); is && err == nil {
		_, _ = w.Write(known.([]byte))
		return true
	}
	var said bytes.Buffer
	git := exec.CommandContext(r.Context(), "git", args...)
	git.Dir, git.Env = repo, environ
	git.Stdin, git.Stdout = bytes.NewReader(question), io.MultiWriter(w, &said)
	failed := git.Run() // the client sees what is missing of the answer
	if after, changing := state(repo); err == nil && failed == nil && changing == nil && after == before {
		answers.Store(key, said.Bytes())
	}
	return true
}
