package setup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/bittrance/kitops/app"
)

// run serves the pages until the end.
func (f *flow) run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: f.handler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 16,
	}
	page, err := forward(f.setup.Dir, f.address())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { _ = os.Remove(page) }() // nobody listens at its address any more
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until it is shut down
	}()
	f.page = page
	err = f.wait(ctx)
	f.end(ctx, err)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if server.Shutdown(closing) != nil {
		_ = server.Close()
	}
	<-served
	if err != nil && ctx.Err() != nil {
		return f.interrupted() // it may have been registered since
	}
	return err
}

// wait goes the way of the App: registered, stored, installed.
func (f *flow) wait(ctx context.Context) error {
	stored, err := f.register(ctx)
	if err != nil {
		return err
	}
	reaches, err := f.reaches(ctx, stored)
	if err != nil {
		return err
	}
	instructions, err := f.setup.Installed(stored, reaches)
	if err != nil {
		return err
	}
	f.show(view{Page: "done", App: stored, Reaches: reaches, Instructions: instructions})
	return nil
}

// register waits until there is an App, unless there is one from an earlier setup.
func (f *flow) register(ctx context.Context) (stored app.Stored, err error) {
	if f.earlier != nil {
		f.mu.Lock()
		f.state, f.stored, f.view = "", f.earlier, view{Page: "install", App: *f.earlier, Waits: true}
		f.mu.Unlock()
		f.setup.Resumed(*f.earlier)
		return *f.earlier, nil
	}
	f.open()
	select {
	case stored = <-f.registered:
	case err := <-f.failed:
		return stored, err
	case <-ctx.Done():
		return stored, ctx.Err()
	}
	f.setup.Registered(stored)
	return stored, nil
}

// open tells of the first page, once.
func (f *flow) open() {
	f.opened.Do(func() { f.setup.Opened(f.address(), f.page) })
}

// reaches waits until the App is installed somewhere.
func (f *flow) reaches(ctx context.Context, stored app.Stored) ([]app.Reach, error) {
	every := f.setup.Every
	if every <= 0 {
		every = lookEvery
	}
	a, err := app.New(app.Options{
		ID: fmt.Sprint(stored.AppID), Key: app.Key{File: stored.PrivateKeyFile}, APIURL: stored.APIURL,
		Transport: f.setup.Transport, Statuses: true, Recheck: every, // GitHub may not know a new App everywhere at once
	})
	if err != nil {
		return nil, err
	}
	told := ""
	for {
		reaches, err := a.Reaches(ctx)
		if len(reaches) > 0 {
			return reaches, nil
		}
		f.show(view{Page: "install", App: stored, Waits: true, Trouble: text(err)})
		f.open()
		if now := text(err); now != told && ctx.Err() == nil {
			if told = now; err != nil {
				f.setup.Trouble(err)
			}
		}
		pause := every
		if limit, ok := errors.AsType[*app.LimitError](err); ok {
			pause = max(pause, time.Until(limit.Until))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
