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
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
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
	Org        string   // owner of the App; "": the user who is signed in
	Name       string   // of the App; "": one is made up
	Dir        string   // where the App is stored
	WebhookURL string   // "": none
	With       []string // features that the App is for, see app.Features
	LoginURL   string   // where GitHub sends people back to who log in to the page; "": nobody does
	APIURL     string   // https://api.github.com when empty
	Listen     string   // a loopback address with a port, which may be 0

	Every     time.Duration     // how often to look for the installation; 3 s when 0
	Transport http.RoundTripper // nil: one of its own

	// Opened is told the address of the first page, and a page, a file for this user only, that leads there until Run ends.
	Opened func(address, page string)
	// Resumed is told of the App that an earlier setup has stored: this one goes on with it.
	Resumed func(s app.Stored)
	// Registered is told that the App is stored.
	Registered func(s app.Stored)
	// Trouble is told why the installation cannot be looked for now. Each reason comes once in a row.
	Trouble func(err error)
	// Installed turns what the App reaches into what the last page shows.
	Installed func(s app.Stored, reaches []app.Reach) (Instructions, error)
}

// Features are the names of what With may have.
func Features() []string { return app.Features() }

// Instructions say how to run kitops.
type Instructions struct {
	Command  string
	TaskFile string // its text
	Path     string // where it is
	Service  string // the command that makes kitops a service; "": none
}

// Run returns when the App is installed and the last page was seen, or with what went wrong. It may be called once.
func (s Setup) Run(ctx context.Context) error {
	earlier, err := s.earlier()
	if err != nil {
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
		setup: s, earlier: earlier, settings: settings, web: web, host: listener.Addr().String(),
		path: "/" + random(), state: random(), pages: pages,
		registered: make(chan app.Stored, 1), failed: make(chan error, 1), seen: make(chan struct{}),
	}
	if f.form, err = app.Manifest(s.name(), f.address()+"registered", s.WebhookURL, s.LoginURL, s.With...); err != nil {
		return errors.Join(err, listener.Close())
	}
	return f.run(ctx, listener)
}

// earlier is the App that an earlier setup has stored, nil for none. It must be the one that is asked for now.
func (s Setup) earlier() (*app.Stored, error) {
	stored, err := app.Resume(s.Dir)
	if _, unfinished := errors.AsType[*app.SetupError](err); unfinished {
		return nil, err
	}
	if err != nil {
		return nil, app.Storable(s.Dir)
	}
	api := cmp.Or(strings.TrimSuffix(s.APIURL, "/"), "https://api.github.com")
	if s.Org != "" && !strings.EqualFold(s.Org, stored.Owner) || api != strings.TrimSuffix(stored.APIURL, "/") {
		return nil, &app.SetupError{
			Problem: fmt.Sprintf("the App %q of %s is set up already, in %s", stored.Name, stored.Owner, s.Dir),
			Remedy:  "run kitops setup without --org to go on with it, or name another folder with --dir",
		}
	}
	if s.LoginURL != "" && stored.ClientSecretFile == "" {
		return nil, &app.SetupError{
			Problem: fmt.Sprintf("the App %q is set up already, without logins, in %s", stored.Name, s.Dir),
			Remedy:  "on the settings page of the App add the callback URL " + s.LoginURL + " and make a client secret, and give the agent that in a file, by --github-client-secret-file",
		}
	}
	if more := slices.DeleteFunc(slices.Clone(s.With), func(name string) bool { return slices.Contains(stored.With, name) }); len(more) > 0 {
		return nil, &app.SetupError{
			Problem: fmt.Sprintf("the App %q is set up already, without %s, in %s", stored.Name, strings.Join(more, " and "), s.Dir),
			Remedy:  "on the settings page of the App, under Permissions, choose " + app.Tick(more) + "; accept that on the page of each installation; kitops uses it from then on, and kitops doctor tells whether it is granted",
		}
	}
	return &stored, nil
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
