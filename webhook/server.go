package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/bittrance/kitops/poller/hosts"
)

const (
	maxBody        = 25 << 20 // GitHub sends no more
	maxInFlight    = 64 << 20 // bytes of bodies in memory
	maxHeader      = 16 << 10 // GitHub's have about 1 KB
	maxConnections = 1000
	maxQueue       = 4096 // events that are accepted and not handed on yet
)

// timeouts bound how long a client may take. GitHub itself waits 10 seconds for an answer.
type timeouts struct{ header, request, answer, idle, shutdown time.Duration }

func defaultTimeouts() timeouts {
	return timeouts{
		header: 5 * time.Second, request: 20 * time.Second, answer: 30 * time.Second, idle: 30 * time.Second, shutdown: 5 * time.Second,
	}
}

// Options of a Server. Handle, Health and Log are required.
type Options struct {
	Addr              string // :8080
	CertFile, KeyFile string // PEM, read again when they change; both empty: plain HTTP
	TrustedProxies    []netip.Prefix
	Secrets           *Secrets            // nil: health only
	Seen              *Seen               // told of what came; may be nil
	Handle            func(Event)         // called by one goroutine, for one event after the other
	Health            func() []TaskHealth // called by many
	Count             func(Result)        // called by many, for each delivery; may be nil
	Log               *slog.Logger
	Listener          net.Listener // instead of a new one on Addr; nil: none
}

// Server takes webhooks and tells of the agent's health.
type Server struct {
	o        Options
	listener *hosts.FairListener
	cert     *certificate
	intake   intake
	queue    chan Event
	refused  tally
	times    timeouts
}

// Listen reads the certificate and binds the address, so that what is wrong with them shows before anything runs.
// Connections wait until Run.
func Listen(ctx context.Context, o Options) (*Server, error) {
	s := &Server{o: o, queue: make(chan Event, maxQueue), times: defaultTimeouts(), intake: intake{limit: maxInFlight}}
	if o.CertFile != "" || o.KeyFile != "" {
		cert, err := newCertificate(o.CertFile, o.KeyFile, o.Log)
		if err != nil {
			return nil, err
		}
		s.cert = cert
	}
	if o.Listener == nil {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Addr)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", o.Addr, err)
		}
		o.Listener = listener
	}
	s.listener = hosts.NewFairListener(o.Listener, maxConnections)
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Keep returns a second descriptor of the socket that listens: who comes while nobody accepts waits.
func (s *Server) Keep() (*os.File, error) {
	listener, ok := s.listener.Listener.(*net.TCPListener)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return listener.File()
}

// Run answers until ctx is done, then lets the requests under way end and hands on what they brought. It returns nil, or why
// it can no longer serve. It is called once.
func (s *Server) Run(ctx context.Context) error {
	done := make(chan struct{})
	var handing sync.WaitGroup
	handing.Go(func() { s.handOn(done) })
	defer handing.Wait()
	defer close(done)

	server := s.server(ctx)
	failed := make(chan error, 1)
	go func() { failed <- s.serve(server) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", s.o.Addr, err)
	case <-ctx.Done():
	}
	farewell, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.times.shutdown)
	defer cancel()
	return s.farewell(farewell, server, failed)
}

// farewell ends the server when all who were let in have their answers, or ctx is done. Shutdown comes last: a server that
// shuts down reads requests and drops them, unanswered.
func (s *Server) farewell(ctx context.Context, server *http.Server, served <-chan error) error {
	server.SetKeepAlivesEnabled(false)
	closed := s.listener.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve on %s: %w", s.o.Addr, err)
	}
	s.listener.Empty(ctx)
	if server.Shutdown(ctx) != nil { // somebody takes too long
		_ = server.Close()
	}
	return closed
}

func (s *Server) serve(server *http.Server) error {
	if s.cert != nil {
		return server.ServeTLS(s.listener, "", "")
	}
	return server.Serve(s.listener)
}

// handOn is the one place where events are acted on, so that no flood of them starts more than one goroutine.
func (s *Server) handOn(done <-chan struct{}) {
	for {
		select {
		case e := <-s.queue:
			s.o.Handle(e)
			continue
		default:
		}
		select {
		case e := <-s.queue:
			s.o.Handle(e)
		case <-done:
			return
		}
	}
}

func (s *Server) server(ctx context.Context) *http.Server {
	server := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: s.times.header,
		ReadTimeout:       s.times.request,
		WriteTimeout:      s.times.answer,
		IdleTimeout:       s.times.idle,
		ConnState:         s.listener.Note,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug), // what strangers do to connections
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		Protocols:         new(http.Protocols), // HTTP/2 would put many requests on each of the counted connections
	}
	server.Protocols.SetHTTP1(true)
	if s.cert != nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.cert.get}
	}
	return server
}

func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.IPExtractor = ClientAddress(s.o.TrustedProxies)
	e.HTTPErrorHandler = s.fail
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			s.o.Log.Error("panic while answering a request", "path", c.Path(), "err", err, "stack", string(stack))
			return err
		},
	}))
	e.POST("/webhook", s.receive)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Add(method, "/healthz", s.healthz)
		e.Add(method, "/readyz", s.readyz)
	}
	return e
}

// fail answers what no handler did: unknown paths, wrong methods, panics. It tells no more than the status.
func (s *Server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := http.StatusInternalServerError
	if known, ok := errors.AsType[*echo.HTTPError](err); ok {
		status = known.Code
	}
	answer(c, status, http.StatusText(status))
}

// answer writes one line. When that cannot be done the client has left, and nobody is there to hear of it.
func answer(c echo.Context, status int, text string) {
	_ = c.String(status, text+"\n")
}

// ClientAddress finds out where a request comes from. It believes no header but a trusted proxy's.
func ClientAddress(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}
