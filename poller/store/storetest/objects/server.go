package objects

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// TB is what a server needs of a *testing.T, which a script is none of.
type TB interface {
	Helper()
	Cleanup(func())
}

// Server speaks the protocol of a store. What it should do wrong is said by Disturb.
type Server struct {
	URL string

	mu      sync.Mutex
	disturb func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)
	late    sync.WaitGroup
}

func newServer(t TB, serve http.HandlerFunc) *Server {
	t.Helper()
	s := &Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		disturb := s.disturb
		s.mu.Unlock()
		if disturb == nil {
			disturb = func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) { serve(w, r) }
		}
		disturb(w, r, serve)
	}))
	s.URL = server.URL
	t.Cleanup(func() {
		s.late.Wait()
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// Disturb has every request go by way of f, which may call serve, or not, or later. Nil ends that.
func (s *Server) Disturb(f func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disturb = f
}

// FirstPuts disturbs n requests that write, and then no more.
func (s *Server) FirstPuts(n int, f func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)) {
	s.first(n, http.MethodPut, f)
}

// FirstGets disturbs n requests that read, and then no more.
func (s *Server) FirstGets(n int, f func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)) {
	s.first(n, http.MethodGet, f)
}

func (s *Server) first(n int, method string, f func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)) {
	var mu sync.Mutex
	s.Disturb(func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		mu.Lock()
		ours := r.Method == method && n > 0
		if ours {
			n--
		}
		mu.Unlock()
		if ours {
			f(w, r, serve)
		} else {
			serve(w, r)
		}
	})
}

// LoseRequest breaks the connection, and nothing was done.
func LoseRequest(http.ResponseWriter, *http.Request, http.HandlerFunc) { panic(http.ErrAbortHandler) }

// LoseAnswer does what was asked, and breaks the connection.
func LoseAnswer(_ http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	serve(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// Late breaks the connection, and does what was asked when after is over.
func (s *Server) Late(after time.Duration) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
	return func(_ http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		copied := keep(r)
		s.late.Go(func() {
			time.Sleep(after)
			serve(httptest.NewRecorder(), copied)
		})
		panic(http.ErrAbortHandler)
	}
}

// Settle waits until all that was late is done.
func (s *Server) Settle() { s.late.Wait() }

// Answer answers with a status, a code as the protocol has it, and headers in pairs.
func Answer(status int, code string, headers ...string) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
	return func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		fail(w, r, status, code)
	}
}

// fail answers as either protocol does: Azure says the code in a header, too.
func fail(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	if code != "" && r.Header.Get("X-Ms-Version") != "" {
		w.Header().Set("X-Ms-Error-Code", code)
	}
	w.WriteHeader(status)
	if code != "" && r.Method != http.MethodHead {
		_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code><Message>` + strings.ToLower(code) + `</Message></Error>`))
	}
}
