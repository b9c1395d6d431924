package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/bittrance/kitops/poller/git/address"
)

const maxStderr = 4 << 10 // bytes of what the server says that are kept

// sshSession runs git-upload-pack on the server. The end of the context closes
// the connection below it, which unblocks whatever is going on: x/crypto/ssh
// has no contexts of its own.
type sshSession struct {
	client  *ssh.Client
	session *ssh.Session
	stop    func() bool // stops waiting for the end of the context
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  bounded
	asked   bool
}

func (m *Access) dialSSH(ctx context.Context) (*sshSession, error) {
	return m.dialSSHFor(ctx, func(path string) string { return uploadPack + " " + path })
}

// dialSSHFor runs what command makes of the quoted path of the repository.
func (m *Access) dialSSHFor(ctx context.Context, command func(path string) string) (*sshSession, error) {
	host, err := m.sshHost(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := m.sshKeys(ctx, host)
	if err != nil {
		return nil, err
	}
	defer keys.close()
	leave, err := m.Hosts.enter(ctx, host.dialled()) // until it is authenticated
	if err != nil {
		return nil, err
	}
	defer leave()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", host.dialled())
	if err != nil {
		return nil, CtxErr(ctx, err)
	}
	s := &sshSession{stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	if err := s.start(conn, host, keys, m.URL, command); err != nil {
		s.close()
		_ = conn.Close()
		return nil, CtxErr(ctx, err)
	}
	return s, nil
}

func (s *sshSession) start(conn net.Conn, host *sshHost, keys *sshKeys, url address.URL, command func(path string) string) error {
	known, err := host.knownKeys()
	if err != nil {
		return err
	}
	config := &ssh.ClientConfig{
		User:              host.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(keys.signers...)},
		HostKeyCallback:   known.check,
		HostKeyAlgorithms: known.algorithms(),
	}
	if url.Password.Given() {
		config.Auth = append(config.Auth, ssh.Password(url.Password.Reveal()))
	}
	transport, channels, requests, err := ssh.NewClientConn(conn, host.dialled(), config)
	if err != nil {
		if known.refusal != nil {
			return known.refusal
		}
		var none *ssh.AlgorithmNegotiationError
		if errors.As(err, &none) && len(config.HostKeyAlgorithms) > 0 && strings.Contains(err.Error(), "host key") {
			return known.noneInCommon(none)
		}
		return keys.explain(host, err)
	}
	s.client = ssh.NewClient(transport, channels, requests)
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	if s.stdin, err = s.session.StdinPipe(); err != nil {
		return err
	}
	if s.stdout, err = s.session.StdoutPipe(); err != nil {
		return err
	}
	s.session.Stderr = &s.stderr
	path := url.Path
	if strings.HasPrefix(path, "/~") {
		path = path[1:] // ssh://host/~user/path, as git reads it
	}
	_ = s.session.Setenv("GIT_PROTOCOL", "version=2") // a server that refuses speaks version 0
	return s.session.Start(command("'" + strings.ReplaceAll(path, "'", `'\''`) + "'"))
}

func (s *sshSession) greeting(ctx context.Context) (io.ReadCloser, error) {
	return io.NopCloser(&firstAnswer{ctx: ctx, session: s}), nil
}

func (s *sshSession) ask(ctx context.Context, request []byte) (io.ReadCloser, error) {
	s.asked = true
	if _, err := s.stdin.Write(request); err != nil {
		return nil, CtxErr(ctx, err)
	}
	return io.NopCloser(s.stdout), nil
}

func (s *sshSession) close() {
	if s.client != nil {
		if s.stdin != nil && !s.asked {
			_, _ = io.WriteString(s.stdin, flush) // "I want nothing", or the server logs an error
		}
		_ = s.client.Close()
		_ = s.client.Wait()
	}
	s.stop()
}

// explain adds what the server says on its standard error to an answer that is
// none of git's. It waits a moment for that, as it comes by a way of its own.
func (s *sshSession) explain(ctx context.Context, err error) error {
	if !errors.Is(err, errPkt) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.stdin.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(s.stdout, 1<<20))
		_ = s.session.Wait()
	}()
	moment := time.NewTimer(time.Second)
	defer moment.Stop()
	select {
	case <-ended:
	case <-moment.C:
	case <-ctx.Done():
	}
	_ = s.client.Close() // which ends the wait
	<-ended
	if said := s.stderr.String(); said != "" {
		return fmt.Errorf("%w; the server says: %s", err, printable(said))
	}
	return err
}

// firstAnswer is what the server says first. When that is nothing, the reason
// is on its standard error.
type firstAnswer struct {
	ctx     context.Context
	session *sshSession
	some    bool
	end     error // said again when asked again
}

func (f *firstAnswer) Read(p []byte) (int, error) {
	if f.end != nil {
		return 0, f.end
	}
	n, err := f.session.stdout.Read(p)
	f.some = f.some || n > 0
	if err == nil || f.some || !errors.Is(err, io.EOF) {
		return n, err
	}
	f.end = f.session.session.Wait()
	if said := f.session.stderr.String(); said != "" {
		f.end = fmt.Errorf("the server says: %s", printable(said))
	} else if f.end == nil {
		f.end = errors.New("the server hung up without an answer")
	}
	f.end = CtxErr(f.ctx, f.end)
	return 0, f.end
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	mu   sync.Mutex
	kept []byte
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, p[:min(len(p), maxStderr-len(b.kept))]...)
	return len(p), nil
}

// String is all of it in one line.
func (b *bounded) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(strings.Fields(string(b.kept)), " ")
}
