package credential

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/secret"
)

// tokenMargin is the life that a token handed out must still have.
const tokenMargin = 5 * time.Minute

const (
	maxConnections = 16 // git asks once for each command
	acceptPause    = 100 * time.Millisecond
	socketName     = "socket"
)

// Broker answers git's questions for the credentials of one repository.
type Broker struct {
	Clone string // the repository's address, as git is given it
	// Fresh makes a token and says when it ends.
	Fresh func(context.Context) (token secret.Text, expires time.Time, err error)

	mu      sync.Mutex
	current secret.Text
	expires time.Time
}

// Owner is the user that may ask.
type Owner struct{ UID, GID int }

// Token returns a token that lives for some minutes more. Its errors are those
// of Fresh.
func (b *Broker) Token(ctx context.Context) (secret.Text, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current.Given() && time.Until(b.expires) > tokenMargin {
		return b.current, nil
	}
	var err error
	b.current, b.expires, err = b.Fresh(ctx)
	return b.current, err
}

// forget drops a token that the host did not take.
func (b *Broker) forget(token secret.Text) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == token {
		b.current = secret.Text{}
	}
}

// Listen serves on a socket in a folder that only its owner enters, until stop
// is called. Without an owner that is the user of this process.
func (b *Broker) Listen(ctx context.Context, owner *Owner) (socket string, stop func(), err error) {
	dir, err := files.MakeTemp("kitops-credential-")
	if err != nil {
		return "", nil, err
	}
	uid := os.Geteuid()
	socket = filepath.Join(dir.Path(), socketName)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err == nil && owner != nil { // who gets through to the socket and may not replace it
		uid = owner.UID
		err = errors.Join(dir.Give(socketName, owner.UID, owner.GID), dir.SetGroup(owner.GID), dir.SetMode(0o710))
	}
	if err = errors.Join(err, dir.Close()); err != nil {
		if listener != nil {
			_ = listener.Close()
		}
		return "", nil, errors.Join(err, os.RemoveAll(dir.Path()))
	}
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() { b.accept(ctx, listener, uid, &serving) })
	return socket, func() {
		cancel()
		_ = listener.Close()
		serving.Wait()
		_ = os.RemoveAll(dir.Path())
	}, nil
}

// accept serves every connection, at most maxConnections at a time; others wait
// in the kernel's queue. An error of accepting, such as too many open files,
// passes: only stop ends it.
func (b *Broker) accept(ctx context.Context, listener net.Listener, uid int, serving *sync.WaitGroup) {
	slots := make(chan struct{}, maxConnections)
	for {
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		conn, err := listener.Accept()
		if err != nil {
			<-slots
			if errors.Is(err, net.ErrClosed) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(acceptPause):
			}
			continue
		}
		serving.Go(func() {
			defer func() { <-slots }()
			b.serve(ctx, conn.(*net.UnixConn), uid)
		})
	}
}

// serve answers one question. Root may ask too: it may be the action's user by
// another way.
func (b *Broker) serve(ctx context.Context, conn *net.UnixConn, uid int) {
	defer conn.Close() //nolint:errcheck // the other side hears what it hears
	_ = conn.SetDeadline(time.Now().Add(patience))
	if peer, err := peerUID(conn); err != nil || peer != uid && peer != 0 {
		return
	}
	question := readQuestion(conn)
	if !b.about(question) {
		return
	}
	switch question["operation"] {
	case "get":
		if token, err := b.Token(ctx); err == nil {
			fmt.Fprintf(conn, "username=%s\npassword=%s\n", app.User, token.Reveal())
		}
	case "erase":
		b.forget(secret.New(question["password"]))
	}
}

// about tells whether git asks for this very repository on its own host.
func (b *Broker) about(question map[string]string) bool {
	asked := question["protocol"] + "://" + question["host"] + "/" + strings.TrimSuffix(strings.Trim(question["path"], "/"), ".git")
	return strings.EqualFold(asked, strings.TrimSuffix(b.Clone, ".git"))
}
