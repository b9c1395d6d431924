package gittest

import (
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"strings"
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

// HTTPHandler is what ServeHTTP serves, for tests that put something before it.
func HTTPHandler(tb TB, dir string, o HTTPOptions) http.Handler {
	tb.Helper()
	backend := &cgi.Handler{
		Path:   filepath.Join(Git(tb, dir, "--exec-path"), "git-http-backend"),
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
		backend.ServeHTTP(w, r)
	})
}
