package apptest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong with the requests that fit.
type Fault struct {
	g      *GitHub
	filter Filter
	left   int // negative: without end
	hits   int
	effect Effect
	lifted chan struct{}
	once   sync.Once
}

// Effect answers a request in the place of next, or spoils next's answer. lifted is closed when the fault is lifted.
type Effect func(w http.ResponseWriter, r *http.Request, next http.Handler, lifted <-chan struct{})

// Inject lets effect meet the next requests that fit, so many times; 0 means until it is lifted.
// Where several faults fit a request, the one injected first meets it.
func (g *GitHub) Inject(f Filter, times int, effect Effect) *Fault {
	if times == 0 {
		times = -1
	}
	fault := &Fault{g: g, filter: f, left: times, effect: effect, lifted: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, fault)
	return fault
}

// Lift ends the fault and lets go of the requests it holds. It may be called again.
func (f *Fault) Lift() {
	f.once.Do(func() { close(f.lifted) })
	f.g.mu.Lock()
	defer f.g.mu.Unlock()
	f.g.faults = slices.DeleteFunc(slices.Clone(f.g.faults), func(o *Fault) bool { return o == f })
}

// Hits is how many requests the fault has met.
func (f *Fault) Hits() int {
	f.g.mu.Lock()
	defer f.g.mu.Unlock()
	return f.hits
}

func (g *GitHub) faultFor(x *exchange) *Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.faults {
		if f.left != 0 && f.filter.fits(x.request) {
			f.left--
			f.hits++
			x.request.Faulted = true
			g.wake()
			return f
		}
	}
	return nil
}

// Fail answers with status and message, and headers given as name, value, name, value:
// Fail(503, ""), Fail(401, "Bad credentials"), Fail(403, "secondary rate limit", "Retry-After", "30").
func Fail(status int, message string, header ...string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ <-chan struct{}) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(refuse(status, message).body)
	}
}

// Hang holds the request until the fault is lifted, then answers as usual; it gives up when the client does.
func Hang() Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler, lifted <-chan struct{}) {
		if hold(r, lifted, nil) {
			next.ServeHTTP(w, r)
		}
	}
}

// Slow answers as usual, but only after d.
func Slow(d time.Duration) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler, lifted <-chan struct{}) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		if hold(r, lifted, timer.C) {
			next.ServeHTTP(w, r)
		}
	}
}

// hold waits and reports whether the client still does. net/http notices a client that left only once the body has been read.
func hold(r *http.Request, lifted <-chan struct{}, due <-chan time.Time) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	select {
	case <-r.Context().Done():
		return false
	case <-lifted:
	case <-due:
	}
	return true
}

// Drop cuts the connection before the request has done anything.
func Drop() Effect {
	return func(http.ResponseWriter, *http.Request, http.Handler, <-chan struct{}) { panic(http.ErrAbortHandler) }
}

// Cut does what was asked, then cuts the connection after n bytes of the answer's body; with 0 the client sees no answer at all.
func Cut(n int) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler, _ <-chan struct{}) {
		cut := &cuttingWriter{ResponseWriter: w, left: n, silent: n == 0}
		next.ServeHTTP(cut, r)
		if !cut.done && !cut.silent {
			return
		}
		if !cut.silent {
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

var errCut = errors.New("connection cut")

// cuttingWriter lets so many bytes pass and refuses the rest.
type cuttingWriter struct {
	http.ResponseWriter
	left         int
	silent, done bool
}

func (w *cuttingWriter) WriteHeader(status int) {
	if !w.silent {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *cuttingWriter) Write(p []byte) (int, error) {
	if w.silent {
		return len(p), nil
	}
	if len(p) < w.left {
		n, err := w.ResponseWriter.Write(p)
		w.left -= n
		return n, err
	}
	n, err := w.ResponseWriter.Write(p[:w.left])
	w.left, w.done = 0, true
	return n, errors.Join(err, errCut)
}

// Garbage answers 200 with a body that is neither JSON nor git.
func Garbage() Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ <-chan struct{}) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, "<html>\x00 the unicorn is away")
	}
}

// Redirect sends the client to the same path and query below base with status: 301, 302 or 307.
func Redirect(status int, base string) Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler, _ <-chan struct{}) {
		http.Redirect(w, r, strings.TrimSuffix(base, "/")+r.URL.RequestURI(), status)
	}
}
