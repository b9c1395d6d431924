package apptest

import (
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// Kind is the part of GitHub a request was for.
type Kind string

// The parts of GitHub.
const (
	REST Kind = "rest"
	Git  Kind = "git"
	Web  Kind = "web"
)

// Request is what is remembered of one request.
type Request struct {
	Time        time.Time // by GitHub's clock
	Kind        Kind
	Method      string
	Path        string // without Enterprise Server's /api/v3
	Query       string
	Auth        Auth
	ID          int64 // of the App or the installation that asked; else 0
	MediaType   string
	Conditional bool // it carried If-None-Match
	Status      int  // 0 until answered, and when cut before the answer
	Received    int64
	Sent        int64 // bytes of the answer's body
	Faulted     bool

	number int64
}

// Filter picks requests; a zero field fits all. Path is a glob in which ** crosses slashes: /repos/acme/**.
type Filter struct {
	Kind   Kind
	Method string
	Path   string
	Auth   Auth
	ID     int64
	Status int
}

func (f Filter) fits(r *Request) bool {
	if f.Path != "" {
		// A malformed pattern fits nothing: the test that wrote it fails.
		if ok, err := doublestar.Match(f.Path, r.Path); err != nil || !ok {
			return false
		}
	}
	return (f.Kind == "" || f.Kind == r.Kind) && (f.Method == "" || f.Method == r.Method) &&
		(f.Auth == "" || f.Auth == r.Auth) && (f.ID == 0 || f.ID == r.ID) && (f.Status == 0 || f.Status == r.Status)
}

// Requests are those so far that fit, in the order they came.
func (g *GitHub) Requests(f Filter) []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []Request
	for _, r := range g.requests {
		if f.fits(r) {
			found = append(found, *r)
		}
	}
	return found
}

// Count is the number of Requests.
func (g *GitHub) Count(f Filter) int { return len(g.Requests(f)) }

// Reset forgets the requests so far but for [GitHub.Raws]. Limits keep counting.
func (g *GitHub) Reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = slices.DeleteFunc(g.requests, func(*Request) bool { return true })
}

// arrive records a request, or returns nil when GitHub is being closed.
func (g *GitHub) arrive(r *http.Request, kind Kind, path string) *exchange {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.handlers.Add(1)
	who := g.identify(r)
	x := &exchange{who: who, request: &Request{
		Time: g.Now(), Kind: kind, Method: r.Method, Path: path, Query: r.URL.RawQuery,
		Auth: who.kind, ID: who.id(), MediaType: r.Header.Get("Accept"), Conditional: r.Header.Get("If-None-Match") != "",
		number: g.nextID(),
	}}
	g.requests = append(g.requests, x.request)
	g.wake()
	return x
}

func (g *GitHub) leave(x *exchange, w *countingWriter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x.request.Status, x.request.Sent, x.request.Received = w.status, w.sent, w.received.Load()
	g.wake()
}

// countingWriter notes the status and the size of an answer.
type countingWriter struct {
	http.ResponseWriter
	status   int
	sent     int64
	received *atomic.Int64
}

func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// countingBody counts atomically: a git backend reads the body in a goroutine that may outlive the answer.
type countingBody struct {
	io.ReadCloser
	n atomic.Int64
}

func countBody(r *http.Request) *atomic.Int64 {
	b := &countingBody{ReadCloser: r.Body}
	r.Body = b
	return &b.n
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}
