package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/bittrance/kitops/poller/hosts"
)

const (
	maxConnections = 16
	maxScrapes     = 2 // at the same time
)

// Server answers who scrapes.
type Server struct {
	listener *hosts.FairListener
	near     bool // only this machine reaches it
	scrapes  chan struct{}
}

// Listen binds the address, so that what is wrong with it shows before anything runs.
func Listen(ctx context.Context, address string, log *slog.Logger) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics: listen on %s: %w", address, err)
	}
	s := &Server{listener: hosts.NewFairListener(listener, maxConnections), scrapes: make(chan struct{}, maxScrapes)}
	s.near = hosts.LoopbackAt(listener.Addr().String())
	log.Info("telling metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	if !s.near {
		log.Warn("the metrics name tasks, refs and commits to whoever reaches their address: --metrics 127.0.0.1:PORT tells this machine only")
	}
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run answers until ctx is done, which ends what is being answered at once. It is called once.
func (s *Server) Run(ctx context.Context, m *Metrics, log *slog.Logger) error {
	server := &http.Server{
		Handler: s.handler(m), MaxHeaderBytes: 16 << 10, // what Prometheus sends has less than 1 KB
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 30 * time.Second,
		ConnState:   s.listener.Note,
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what strangers do to connections
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics on %s: %w", s.listener.Addr(), err)
	}
	return nil
}

func (s *Server) handler(m *Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case s.scrapes <- struct{}{}:
		default:
			http.Error(w, "others scrape at this moment", http.StatusServiceUnavailable)
			return
		}
		defer func() { <-s.scrapes }() // also while it is written: answers are large where tasks are many
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, m.scrape()) // else the client is gone
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.near && !hosts.LoopbackAt(r.Host) {
			http.Error(w, "this address is for this machine: a page's name that leads here gets no answer", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
