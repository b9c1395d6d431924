package page

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/status/api"
)

const (
	// maxConnections bounds those of all browsers, each of which keeps a few.
	maxConnections = 4000
	maxForm        = 64 << 10
)

// Options of a Server. API and Log are required.
type Options struct {
	Config
	API      *api.API
	Sessions string     // the file that those logged in are kept in; "": they end with the process
	OAuth    *app.OAuth // nil: nobody logs in with GitHub
	Version  string
	Log      *slog.Logger

	From func(*http.Request) string // the address that a request comes from, behind proxies; nil: that of its connection

	// Repositories are the tasks' on the GitHub that people log in with, by the task. It is asked often.
	Repositories func() map[string]Repository
	// Settings is the configuration of a task as a task file has it, without secrets.
	Settings func(task string) string
	// Changes are the commits of a task that came after one, up to another, the newest first, at most so many. The error
	// is one where they are not at hand.
	Changes func(ctx context.Context, task, after, upTo string, most int) ([]Commit, error)
}

// Repository is a task's on GitHub.
type Repository struct {
	*app.Repository
	ID       int64  // 0: not known yet
	FullName string // owner/name
	Web      string // its page
}

// Commit is one that was not applied yet.
type Commit struct{ SHA, Subject string }

// Server is the page at an address.
type Server struct {
	o         Options
	public    public
	listener  *hosts.FairListener
	sessions  *sessions
	streams   *streams
	buffers   *buffers
	attempts  *attempts
	asking    *asking
	flashes   *flashes
	templates *template.Template
}

// Listen binds the address, so that what is wrong with it shows before anything runs.
func Listen(ctx context.Context, o Options) (*Server, error) {
	s := &Server{o: o, streams: newStreams(), buffers: newBuffers(), attempts: newAttempts(), asking: newAsking(), flashes: newFlashes()}
	var err error
	if s.public, err = parsePublic(o.PageURL); err != nil {
		return nil, fmt.Errorf("--page-url: %w", err)
	}
	if s.templates, err = parseTemplates(); err != nil {
		return nil, err
	}
	if s.sessions, err = openSessions(o.Sessions); err != nil {
		o.Log.Warn("nobody is logged in to the page any more: the file of its sessions does not read", "file", o.Sessions, "err", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.PageAddress)
	if err != nil {
		return nil, fmt.Errorf("--page: listen on %s: %w", o.PageAddress, err)
	}
	s.listener = hosts.NewFairListener(listener, maxConnections)
	o.Log.Info("serving the page", "url", s.root()+"/", "login", "kitops page")
	if !hosts.LoopbackAt(listener.Addr().String()) && !s.public.secure {
		o.Log.Warn("who listens on the network can take over a login to the page: give --page-url https://…, behind a proxy that encrypts, or --page 127.0.0.1:PORT")
	}
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// root is the page's address for people, without a slash at the end.
func (s *Server) root() string {
	if s.public.origin != "" {
		return s.public.origin + s.public.path
	}
	address, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		return "http://" + s.listener.Addr().String()
	}
	if ip := net.ParseIP(address); ip != nil && ip.IsUnspecified() {
		address = "localhost"
	}
	return "http://" + net.JoinHostPort(address, port)
}

// Invite makes an address that logs in once, as the local user of that name. It is good for five minutes.
func (s *Server) Invite(by string) (api.Invitation, error) {
	code, until := s.sessions.invite(by, time.Now())
	login := s.root() + "/login"
	return api.Invitation{Address: login + "#" + code, Login: login, Code: code, Until: until.UTC()}, nil
}

// Revoke logs everybody out.
func (s *Server) Revoke() (int, error) {
	n, err := s.sessions.endAll()
	s.streams.endAll()
	return n, err
}

// Run answers until ctx is done, which ends what is being answered at once, streams included. It is called once.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler: s.Handler(), MaxHeaderBytes: 32 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, IdleTimeout: time.Minute, // streams have a limit for each write
		ConnState:   s.listener.Note,
		ErrorLog:    slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug), // what strangers do to connections
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page on %s: %w", s.listener.Addr(), err)
	}
	return nil
}
