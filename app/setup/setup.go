// Package setup registers a GitHub App through the user's browser.
//
// It serves pages on a loopback address, under a path that nobody can guess,
// to browsers that name that address as their Host. GitHub sends the browser
// back with a code and with the state that it was given; the state is good
// for one time. The App's key goes from GitHub to a file, never to a page.
//
// Everything that a human has to mend is an *app.SetupError, and a page that
// says the same.
package setup

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/app"
)

const (
	lookEvery = 3 * time.Second  // for the installation
	refresh   = 2 * time.Second  // of a page that waits
	linger    = 10 * time.Second // for a page that waits to see the end
	farewell  = time.Minute      // for an answer under way: GitHub hands out a key only once
)

// Setup is one registration.
type Setup struct {
	Org        string // owner of the App; "": the user who is signed in
	Name       string // of the App; "": one is made up
	Dir        string // where the App is stored
	WebhookURL string // "": none
	APIURL     string // https://api.github.com when empty
	Listen     string // a loopback address with a port, which may be 0

	Every     time.Duration     // how often to look for the installation; 3 s when 0
	Transport http.RoundTripper // nil: one of its own

	// Opened is told the address of the first page, and a page, a file for this user only, that leads there until Run ends.
	Opened func(address, page string)
	// Registered is told that the App is stored.
	Registered func(s app.Stored)
	// Trouble is told why the installation cannot be looked for now. Each reason comes once in a row.
	Trouble func(err error)
	// Installed turns what the App reaches into what the last page shows.
	Installed func(s app.Stored, reaches []app.Reach) (Instructions, error)
}

// Instructions say how to run kitops.
type Instructions struct {
	Command  string
	TaskFile string // its text
	Path     string // where it is
}

// Run returns when the App is installed and the last page was seen, or with what went wrong. It may be called once.
func (s Setup) Run(ctx context.Context) error {
	if err := app.Storable(s.Dir); err != nil {
		return err
	}
	settings, err := app.SettingsURL(s.APIURL, s.Org)
	if err != nil {
		return err
	}
	web, err := app.WebURL(s.APIURL)
	if err != nil {
		return err
	}
	if err := errors.Join(checkName(s.Name), checkWebhook(s.WebhookURL)); err != nil {
		return err
	}
	pages, err := parsePages()
	if err != nil {
		return err
	}
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	f := &flow{
		setup: s, settings: settings, web: web, host: listener.Addr().String(),
		path: "/" + random(), state: random(), pages: pages,
		registered: make(chan app.Stored, 1), failed: make(chan error, 1), seen: make(chan struct{}),
	}
	if f.form, err = app.Manifest(s.name(), f.address()+"registered", s.WebhookURL); err != nil {
		return errors.Join(err, listener.Close())
	}
	return f.run(ctx, listener)
}

// listen refuses what others could reach: whoever opens the first page registers the App.
func (s Setup) listen(ctx context.Context) (net.Listener, error) {
	address, err := netip.ParseAddrPort(strings.Replace(s.Listen, "localhost:", "127.0.0.1:", 1))
	if err != nil || !address.Addr().IsLoopback() {
		return nil, &app.SetupError{
			Problem: fmt.Sprintf("%q is no loopback address with a port", s.Listen),
			Remedy:  "write --listen 127.0.0.1:0, and reach it from elsewhere through ssh -L",
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address.String())
	if err != nil {
		return nil, &app.SetupError{
			Problem: fmt.Sprintf("the pages cannot be served on %s (%v)", address, errors.Unwrap(err)),
			Remedy:  "leave --listen away, or give another port",
		}
	}
	return listener, nil
}

// name is free on GitHub with some luck; the form lets the user choose another.
func (s Setup) name() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Org != "":
		return fmt.Sprintf("%.*s", longestName, "kitops-"+s.Org)
	}
	return "kitops-" + random()[:6]
}

// longestName of an App that GitHub takes, in characters.
const longestName = 34

func checkName(name string) error {
	if utf8.RuneCountInString(name) <= longestName {
		return nil
	}
	return &app.SetupError{
		Problem: fmt.Sprintf("the name %q is too long for a GitHub App", name),
		Remedy:  fmt.Sprintf("give --name at most %d characters", longestName),
	}
}

func checkWebhook(address string) error {
	u, err := url.Parse(address)
	if address == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil {
		return nil
	}
	return &app.SetupError{
		Problem: fmt.Sprintf("%q cannot be the address of a webhook", address),
		Remedy:  "write --webhook-url like https://kitops.example.com/webhook",
	}
}

// random is 128 bits that nobody can guess.
func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

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
	f.setup.Opened(f.address(), page)
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
	var stored app.Stored
	select {
	case stored = <-f.registered:
	case err := <-f.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	f.setup.Registered(stored)
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
