package wiring

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
)

const (
	// historyFarewell is what the history may take to be written when the agent ends.
	historyFarewell = time.Second
)

// openHistory opens the history that the settings name, nil for none.
func (a *Agent) openHistory(ctx context.Context) *history.History {
	dir := a.settings.History.At(a.beside())
	if dir == "" && a.settings.History.Dir == "" {
		a.log.Info("no history is kept: the state is shared, and --repo-dir is a temporary directory; --history names a place for it")
	}
	if dir == "" {
		return nil
	}
	return history.New(ctx, dir, a.settings.History.Keep, a.settings.Status.Instance, a.log)
}

// beside is the path that the history and the socket have their names from: that of
// the state file or, where the state is shared, one in a lasting directory for clones; "" for none.
func (a *Agent) beside() string {
	switch {
	case a.state.Path != "":
		return a.state.Path
	case a.dirs.temporary:
		return ""
	}
	return filepath.Join(a.dirs.Path, settings.BesideName)
}

// control is where the socket is to be, "" for nowhere.
func (a *Agent) control() string {
	if a.state.Path != "" || a.settings.Control.Path != "" {
		return a.settings.Control.Of(a.beside())
	}
	return api.Shared(a.wiring.process.Getenv, a.beside())
}

// answer serves the control socket until stop is called. An agent that cannot be
// asked works all the same.
func (a *Agent) answer(ctx context.Context) (stop func()) {
	path := a.control()
	if path == "" {
		return func() {}
	}
	group, err := a.settings.Control.GID()
	if err != nil {
		a.log.Warn("the control socket is for its own user alone", "err", err) // settings have tried it: somebody removed the group
	}
	socket, err := api.Listen(ctx, path, group)
	if errors.Is(err, errors.ErrUnsupported) && a.settings.Control.Path == "" {
		return func() {} // nobody asked for it
	}
	if err != nil {
		a.log.Warn("kitops status, runs, logs and poll cannot ask this agent", "err", err)
		return func() {}
	}
	if user := a.wiring.user; user != nil && user.IsAnother() {
		socket.Bar(user.UID)
	}
	if stranger := a.wiring.stranger.user; stranger.IsAnother() {
		socket.Bar(stranger.UID)
	}
	server := a.api()
	if a.page != nil {
		server.Invite, server.Revoke = a.page.Invite, a.page.Revoke
	}
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := socket.Serve(ctx, server.Handler(), a.log); err != nil {
			a.log.Warn("kitops status, runs, logs and poll cannot ask this agent any more", "err", err)
		}
	})
	return func() {
		cancel()
		serving.Wait()
	}
}
