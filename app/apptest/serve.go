package apptest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
)

var (
	gitPath = regexp.MustCompile(`^/([^/]+)/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack|info/lfs/objects/batch)$`)
	webPath = regexp.MustCompile(`^/(?:(?:settings|organizations|apps|login)/|favicon\.ico$|web-flow\.gpg$)`)
)

// exchange is one request on its way through: what is recorded of it, and who asks.
type exchange struct {
	request *Request
	who     identity
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange { return r.Context().Value(exchangeKey{}).(*exchange) }

// serve is the door: it records the request, applies a fault if one fits, and hands it to the API, the pages or git.
func (g *GitHub) serve(w http.ResponseWriter, r *http.Request) {
	kind, path := g.classify(r.URL.Path)
	x := g.arrive(r, kind, path)
	if x == nil {
		panic(http.ErrAbortHandler)
	}
	defer g.handlers.Done()

	g.raws.keep(r)
	out := &countingWriter{ResponseWriter: w, received: countBody(r)}
	defer func() { g.leave(x, out) }()
	w.Header().Set("Date", g.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("Server", "github.com")
	w.Header().Set("X-GitHub-Request-Id", fmt.Sprintf("APPT:%06X", x.request.number))

	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	if kind == REST && !g.checkRequest(x.request, r) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	next := g.handlerOf(kind)
	if f := g.faultFor(x); f != nil {
		f.effect(out, r, next, f.lifted)
		return
	}
	next.ServeHTTP(out, r)
}

// classify tells what a path belongs to, and strips the prefix of Enterprise Server's API.
func (g *GitHub) classify(path string) (Kind, string) {
	if g.options.Enterprise {
		if rest, ok := strings.CutPrefix(path, "/api/v3"); ok && (rest == "" || rest[0] == '/') {
			if isService(rest) {
				return Service, rest
			}
			return REST, rest
		}
	}
	switch {
	case isService(path) && (!g.options.Enterprise || strings.HasPrefix(path, servicePath)):
		return Service, path
	case gitPath.MatchString(path):
		return Git, path
	case webPath.MatchString(path), g.options.Enterprise:
		return Web, path
	}
	return REST, path
}

func (g *GitHub) handlerOf(kind Kind) http.Handler {
	switch kind {
	case Git:
		return http.HandlerFunc(g.serveGit)
	case Web:
		return g.web
	case Service:
		if g.options.Enterprise {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path = strings.TrimPrefix(r.URL.Path, "/api/v3"); r.URL.RawPath != "" {
					r.URL.RawPath = ""
				}
				g.runners.ServeHTTP(w, r)
			})
		}
		return g.runners
	}
	if g.options.Enterprise {
		return http.StripPrefix("/api/v3", g.api)
	}
	return g.api
}

// address is the bare address a request comes from.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
