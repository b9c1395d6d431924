package wiring

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app/credential"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

// grant is the poller's Grant for a repository: the token in GITHUB_TOKEN, and
// for actions that outlive it a git credential helper with fresh ones. What is
// given away is for this one repository.
func (w *Wiring) grant(r *Repository) func(context.Context, actions.Action) (poller.Granted, error) {
	return func(ctx context.Context, action actions.Action) (poller.Granted, error) {
		granted, err := w.secrets(action)
		if err != nil || action.Token == nil {
			return granted, err
		}
		if r == nil {
			return granted, errors.New("github_token needs a GitHub App for this repository")
		}
		broker := &credential.Broker{Clone: r.clone.String(), Fresh: func(ctx context.Context) (secret.Text, time.Time, error) {
			return r.ScopedToken(ctx, action.Token)
		}}
		token, err := broker.Token(ctx)
		if err != nil {
			return granted, fmt.Errorf("get a token for the action: %w", err)
		}
		granted.Vars, granted.Secrets = append(granted.Vars, "GITHUB_TOKEN="+token.Reveal()), append(granted.Secrets, token)
		var owner *credential.Owner
		if w.user != nil {
			owner = &credential.Owner{UID: w.user.UID, GID: w.user.GID}
		}
		socket, stop, err := broker.Listen(ctx, owner)
		if err != nil {
			r.log.Warn("git in the action gets no fresh tokens", "err", err)
			return granted, nil
		}
		granted.Vars, granted.Revoke = append(granted.Vars, w.gitConfig(action, r.clone, socket)...), stop
		return granted, nil
	}
}

// maxSecret is the size of a file with a secret.
const maxSecret = 64 << 10

// secrets reads the secrets of an action. One line break at the end of a file is not part of it.
func (w *Wiring) secrets(action actions.Action) (granted poller.Granted, err error) {
	for _, name := range slices.Sorted(maps.Keys(action.Secrets)) {
		from := action.Secrets[name]
		value := w.process.Getenv(from.Env)
		switch {
		case from.File != "":
			data, err := files.ReadRegular(from.File, maxSecret)
			if err != nil {
				return granted, fmt.Errorf("the secret %s: %w", name, err)
			}
			if value = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"); value == "" {
				return granted, fmt.Errorf("the secret %s: %s is empty", name, from.File) // who replaces it may be about to write it
			}
		case value == "":
			return granted, fmt.Errorf("the secret %s: the agent has no variable %s", name, from.Env)
		}
		if strings.ContainsRune(value, 0) {
			return granted, fmt.Errorf("the secret %s: no variable can hold the NUL byte in %s", name, from.File)
		}
		granted.Vars, granted.Secrets = append(granted.Vars, name+"="+value), append(granted.Secrets, secret.New(value))
	}
	return granted, nil
}

// gitConfig makes git ask kitops for the credentials of this host, by
// variables so that nothing is written. See git-config(1), GIT_CONFIG_COUNT.
func (w *Wiring) gitConfig(action actions.Action, clone git.URL, socket string) []string {
	count := 0
	for _, entry := range w.process.Environ {
		if value, ok := strings.CutPrefix(entry, "GIT_CONFIG_COUNT="); ok && action.InheritEnvironment {
			count, _ = strconv.Atoi(value)
		}
	}
	if value, ok := action.Environment["GIT_CONFIG_COUNT"]; ok {
		count, _ = strconv.Atoi(value.Reveal())
	}
	section := "credential." + origin(clone)
	helper := fmt.Sprintf("!%s credential %s", quoted(w.process.Executable), quoted(socket))
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
