package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

const (
	// tokenMargin is the life that a token handed out must still have.
	tokenMargin = 5 * time.Minute
	// maxCredential bounds what git says and hears: a few short lines.
	maxCredential = 64 << 10
	credentialIO  = 10 * time.Second
)

// grant is the poller's Grant for a repository: the token in GITHUB_TOKEN, and
// for actions that outlive it a git credential helper with fresh ones. What is
// given away is for this one repository.
func (w *wiring) grant(r *repository) func(context.Context, actions.Action) ([]string, func(), error) {
	return func(ctx context.Context, action actions.Action) ([]string, func(), error) {
		nothing := func() {}
		switch {
		case action.Token == nil:
			return nil, nothing, nil
		case r == nil:
			return nil, nil, errors.New("github_token needs a GitHub App for this repository")
		}
		broker := &broker{clone: r.clone, fresh: func(ctx context.Context) (string, time.Time, error) {
			return r.ScopedToken(ctx, action.Token)
		}}
		token, err := broker.token(ctx)
		if err != nil {
			return nil, nil, err
		}
		vars := []string{"GITHUB_TOKEN=" + token}
		socket, stop, err := broker.listen(ctx, w.user)
		if err != nil {
			r.log.Warn("git in the action gets no fresh tokens", "err", err)
			return vars, nothing, nil
		}
		return append(vars, w.gitConfig(action, r.clone, socket)...), stop, nil
	}
}

// gitConfig makes git ask kitops for the credentials of this host, by
// variables so that nothing is written. See git-config(1), GIT_CONFIG_COUNT.
func (w *wiring) gitConfig(action actions.Action, clone git.URL, socket string) []string {
	count := 0
	for _, entry := range w.environ {
		if value, ok := strings.CutPrefix(entry, "GIT_CONFIG_COUNT="); ok && action.InheritEnvironment {
			count, _ = strconv.Atoi(value)
		}
	}
	if value, ok := action.Environment["GIT_CONFIG_COUNT"]; ok {
		count, _ = strconv.Atoi(value)
	}
	section := "credential." + origin(clone)
	helper := fmt.Sprintf("!%s credential %s", quoted(w.executable), quoted(socket))
	var vars []string
	for _, setting := range [][2]string{{section + ".helper", ""}, {section + ".helper", helper}, {section + ".useHttpPath", "true"}} {
		vars = append(vars, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", count, setting[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", count, setting[1]))
		count++
	}
	return append(vars, fmt.Sprintf("GIT_CONFIG_COUNT=%d", count))
}

// origin is the scheme and host of a repository's address.
func origin(clone git.URL) string {
	scheme, rest, _ := strings.Cut(clone.String(), "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// quoted makes one word of the shell.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// broker answers git's questions for the credentials of one repository.
type broker struct {
	clone git.URL
	fresh func(context.Context) (string, time.Time, error)

	mu      sync.Mutex
	current string
	expires time.Time
}

func (b *broker) token(ctx context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != "" && time.Until(b.expires) > tokenMargin {
		return b.current, nil
	}
	var err error
	b.current, b.expires, err = b.fresh(ctx)
	return b.current, err
}

// forget drops a token that the host did not take.
func (b *broker) forget(token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == token {
		b.current = ""
	}
}

// listen serves on a socket in a folder that only the action's user enters,
// until stop is called.
func (b *broker) listen(ctx context.Context, user *actions.User) (socket string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "kitops-credential-*") // 0700
	if err != nil {
		return "", nil, err
	}
	uid := os.Geteuid()
	socket = filepath.Join(dir, "socket")
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err == nil && user != nil {
		uid = user.UID
		err = errors.Join(os.Chown(socket, user.UID, user.GID), os.Chown(dir, user.UID, user.GID))
	}
	if err != nil {
		if listener != nil {
			_ = listener.Close()
		}
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { b.serve(ctx, conn.(*net.UnixConn), uid) })
		}
	})
	return socket, func() {
		cancel()
		_ = listener.Close()
		serving.Wait()
		_ = os.RemoveAll(dir)
	}, nil
}

// serve answers one question, in the words of git-credential(1). Root may ask
// too: it may be the action's user by another way.
func (b *broker) serve(ctx context.Context, conn *net.UnixConn, uid int) {
	defer conn.Close() //nolint:errcheck // the other side hears what it hears
	_ = conn.SetDeadline(time.Now().Add(credentialIO))
	if peer, err := peerUID(conn); err != nil || peer != uid && peer != 0 {
		return
	}
	question := readCredential(conn)
	if !b.about(question) {
		return
	}
	switch question["operation"] {
	case "get":
		if token, err := b.token(ctx); err == nil {
			fmt.Fprintf(conn, "username=x-access-token\npassword=%s\n", token)
		}
	case "erase":
		b.forget(question["password"])
	}
}

// about tells whether git asks for this very repository on its own host.
func (b *broker) about(question map[string]string) bool {
	asked := question["protocol"] + "://" + question["host"] + "/" + strings.TrimSuffix(strings.Trim(question["path"], "/"), ".git")
	return strings.EqualFold(asked, strings.TrimSuffix(b.clone.String(), ".git"))
}

func readCredential(from io.Reader) map[string]string {
	all := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(from, maxCredential))
	for lines.Scan() && lines.Text() != "" {
		if key, value, found := strings.Cut(lines.Text(), "="); found {
			all[key] = value
		}
	}
	return all
}

// credentialCommand is what git calls: kitops credential SOCKET get|store|erase.
func (p program) credentialCommand() *cobra.Command {
	return &cobra.Command{
		Use: "credential SOCKET OPERATION", Hidden: true, Args: cobra.ExactArgs(2),
		Short: "Answer git's question for credentials from within an action",
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[1] != "get" && args[1] != "erase" {
				return nil // there is nothing to store
			}
			conn, err := (&net.Dialer{Timeout: credentialIO}).DialContext(cmd.Context(), "unix", args[0])
			if err != nil {
				return fmt.Errorf("ask kitops for a token: %w", err)
			}
			defer conn.Close() //nolint:errcheck // only read
			_ = conn.SetDeadline(time.Now().Add(2 * credentialIO))
			fmt.Fprintf(conn, "operation=%s\n", args[1])
			for key, value := range readCredential(os.Stdin) {
				fmt.Fprintf(conn, "%s=%s\n", key, value)
			}
			fmt.Fprintln(conn)
			_, err = io.Copy(p.stdout, io.LimitReader(conn, maxCredential))
			return err
		},
	}
}
