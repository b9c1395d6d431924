package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bittrance/kitops/poller/files"
)

// Peer is who is at the other end of a connection.
type Peer struct {
	UID    int
	Name   string // of the user, or its number
	Groups []int
}

type peerKey struct{}

// nobody is the UID of no user.
const nobody = -1

// Socket is a Unix socket that only the user of this process, root and the members of a group can use.
type Socket struct {
	path     string
	group    int // NoGroup for none
	barred   int // the user who is not let in as a member; nobody for none
	info     os.FileInfo
	listener net.Listener
}

// Listen makes the socket, in place of what a dead agent left, for the members of a group, too, unless that is
// [NoGroup]. It is made in a directory of its own and then renamed, so that nobody finds it open.
func Listen(ctx context.Context, path string, group int) (*Socket, error) {
	dir, err := files.OpenDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	defer dir.Close()
	temp, err := dir.Temp(".kitops-")
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	defer func() { _ = dir.Remove(filepath.Base(temp.Path())); _ = temp.Close() }()
	s := &Socket{group: group, barred: nobody, path: filepath.Join(dir.Path(), filepath.Base(path))}
	made := filepath.Join(temp.Path(), "s")
	short, done, err := shortened(made)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	defer done()
	if s.listener, err = listen(ctx, short); err != nil {
		return nil, fmt.Errorf("control socket %s: %w", s.path, err)
	}
	err = errors.Join(admit(made, group), replaceable(s.path))
	if err == nil {
		err = os.Rename(made, s.path)
	}
	if err == nil {
		s.info, err = os.Lstat(s.path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), s.listener.Close())
	}
	return s, nil
}

// admit lets the user of this process, and the members of a group, connect to a socket.
func admit(path string, group int) error {
	if group == NoGroup {
		return files.Chmod(path, 0o600)
	}
	if err := os.Lchown(path, -1, group); err != nil {
		return fmt.Errorf("give it to group %d, of which the agent's user must be a member: %w", group, err)
	}
	return files.Chmod(path, 0o660)
}

// replaceable refuses to put a socket in the place of anything else.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	if err == nil && info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s is there and is no socket: name another place with --control", path)
	}
	return nil
}

// Bar keeps a user out even if he is a member of the group: the one that actions run as, who is whoever may push. It is
// called before Serve.
func (s *Socket) Bar(uid int) { s.barred = uid }

// Dial connects to the socket at path.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	short, done, err := shortened(path)
	if err != nil {
		return nil, err
	}
	defer done()
	return new(net.Dialer).DialContext(ctx, "unix", short)
}

// Path is where programs find the socket.
func (s *Socket) Path() string { return s.path }

// Serve answers until ctx is done, which ends what is being answered at once. Then the socket is gone.
func (s *Socket) Serve(ctx context.Context, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: s.admitted(handler), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			if p, err := peerOf(conn); err == nil {
				return context.WithValue(ctx, peerKey{}, p)
			}
			return ctx
		},
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err := server.Serve(s.listener)
	if info, gone := os.Lstat(s.path); gone == nil && os.SameFile(info, s.info) {
		_ = os.Remove(s.path)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("control socket: %w", err)
}

// admitted lets only the user of this process, root and the members of the group in.
func (s *Socket) admitted(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, known := r.Context().Value(peerKey{}).(Peer)
		member := s.group != NoGroup && p.UID != s.barred && slices.Contains(p.Groups, s.group)
		if !known || p.UID != 0 && p.UID != os.Geteuid() && !member {
			writeProblem(w, problem(http.StatusForbidden, "only the agent's own user, root and members of the group of --control-group may ask it here"))
			return
		}
		handler.ServeHTTP(w, r)
	})
}
