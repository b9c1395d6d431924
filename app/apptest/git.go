package apptest

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"path/filepath"
	"slices"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// serveGit is git's smart HTTP protocol, answered by git http-backend for those who may.
func (g *GitHub) serveGit(w http.ResponseWriter, r *http.Request) {
	match := gitPath.FindStringSubmatch(r.URL.Path)
	owner, name, service := match[1], match[2], match[3]
	write := service == "git-receive-pack" || r.URL.Query().Get("service") == "git-receive-pack"
	who := exchangeOf(r).who

	g.mu.Lock()
	repo, renamed := g.findMoved(owner, name)
	status, message := gitAccess(who, repo, write)
	var dir, location string
	var before *snapshot
	var err error
	if repo != nil {
		dir, location = repo.dir, g.URL+"/"+repo.fullName()+".git/"+service
		if status == 0 && dir != "" && !write {
			dir, err = repo.replica()
		}
		if status == 0 && dir != "" && write {
			before, err = repo.snapshot()
		}
	}
	g.mu.Unlock()

	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		fallthrough
	case status != 0:
		http.Error(w, message, status)
	case renamed && service == lfsBatch:
		http.Redirect(w, r, location, http.StatusTemporaryRedirect)
	case renamed:
		http.Redirect(w, r, extend(location, r.URL.Query()), http.StatusMovedPermanently)
	case dir == "":
		http.Error(w, "This repository lives in memory only.", http.StatusNotFound)
	default:
		if service == lfsBatch {
			repo.objects().ServeHTTP(w, r)
			return
		}
		g.answer(w, r, dir, service)
		if write {
			g.change(func() error {
				repo.pushed = g.Now()
				by := repo.owner
				if who.kind == AsInstallation {
					by = who.token.installation.app.Bot()
				}
				return errors.Join(repo.movedSince(before.refs, by), repo.remember())
			})
		}
	}
}

// gitAccess returns the refusal, in GitHub's words, or 0. Strangers are asked for credentials, also for what does not exist.
func gitAccess(who identity, r *Repository, write bool) (status int, message string) {
	level := "read"
	if write {
		level = "write"
	}
	switch who.kind {
	case Anonymous:
		if r == nil || r.private || write {
			return http.StatusUnauthorized, "Authentication required."
		}
	case AsApp, Refused:
		return http.StatusUnauthorized, "Invalid username or token. Password authentication is not supported for Git operations."
	case AsInstallation:
		if !who.token.installation.suspended.IsZero() {
			return http.StatusForbidden, "This installation has been suspended."
		}
		if r == nil || r.private && !who.token.reaches(r) {
			return http.StatusNotFound, "Repository not found."
		}
		if granted := who.token.reaches(r) && who.token.may("contents", level); !granted && (r.private || write) {
			return http.StatusForbidden, "Write access to repository not granted."
		}
	}
	switch {
	case r.disabled:
		return http.StatusForbidden, "Access to this repository has been disabled by GitHub staff."
	case r.archived && write:
		return http.StatusForbidden, "This repository was archived so it is read-only."
	}
	return 0, ""
}

// answer is git's, by as few processes as may be.
func (g *GitHub) answer(w http.ResponseWriter, r *http.Request, dir, service string) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	configuration := gitConfiguration("safe.directory=*", "http.receivepack=true", "uploadpack.allowAnySHA1InWant=true", "uploadpack.allowFilter=true")
	if !gittest.UploadPack(w, r, dir, append(gitEnvironment(), configuration...)) {
		g.backend(w, r, dir, service, configuration)
	}
}

// backend hands the request to git http-backend.
func (g *GitHub) backend(w http.ResponseWriter, r *http.Request, dir, service string, configuration []string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable body", http.StatusBadRequest)
		return
	}
	in := r.Clone(r.Context())
	in.URL.Path, in.URL.RawPath = "/"+filepath.Base(dir)+"/"+service, ""
	// CGI wants the length beforehand, git sends large bodies in chunks.
	in.Body, in.ContentLength, in.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	in.Header.Del("Authorization")
	env := append(slices.Clone(configuration),
		"GIT_PROJECT_ROOT="+filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_PROTOCOL="+r.Header.Get("Git-Protocol"))
	(&cgi.Handler{
		Path: g.git, Args: []string{"http-backend"}, Env: env,
		InheritEnv: []string{"HOME", "SYSTEMROOT"}, Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
	}).ServeHTTP(w, in)
}
