package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/bittrance/kitops/poller/secret"
)

// Registration is an App that was made from a manifest. It holds secrets.
type Registration struct {
	ID            int64       `json:"id"`
	ClientID      string      `json:"client_id"`
	Slug          string      `json:"slug"`
	Name          string      `json:"name"`
	HTMLURL       string      `json:"html_url"` // its public page
	PEM           secret.Text `json:"pem"`
	WebhookSecret secret.Text `json:"webhook_secret"`
	ClientSecret  secret.Text `json:"client_secret"`
	Owner         struct {
		Login string `json:"login"`
		Type  string `json:"type"` // User or Organization
	} `json:"owner"`

	APIURL string   `json:"-"` // of the GitHub it is registered at
	With   []string `json:"-"` // the features that it was registered for
}

// String and GoString keep the secrets out of logs.
func (r Registration) String() string { return "App " + r.Name }

// GoString is String.
func (r Registration) GoString() string { return r.String() }

// WebURL is the web host that belongs to an API URL, without a slash at the end.
func WebURL(apiURL string) (string, error) {
	where, err := parseAddress(apiURL)
	return where.web, err
}

// SettingsURL is the page with the Apps that an organization owns, or the user who is signed in when org is empty.
func SettingsURL(apiURL, org string) (string, error) {
	where, err := parseAddress(apiURL)
	switch {
	case err != nil:
		return "", err
	case org == "":
		return where.web + "/settings/apps", nil
	case !isAccount(org):
		return "", errors.New("the name of an organization has letters, digits and hyphens only")
	}
	return where.web + "/organizations/" + org + "/settings/apps", nil
}

// Convert trades the code that GitHub's registration form returned, once and within an hour, for the App.
// Its errors are those of a Repository. A nil transport means one of its own.
func Convert(ctx context.Context, apiURL, code string, transport http.RoundTripper) (Registration, error) {
	var r Registration
	where, err := parseAddress(apiURL)
	if err != nil {
		return r, err
	}
	if transport == nil {
		transport = newTransport()
	}
	log := slog.New(slog.DiscardHandler)
	out := &door{api: where.api, clock: &clock{log: log}, next: transport}
	nobody := &App{userAgent: program, address: where, timeout: requestTimeout, recheck: firstDenial, log: log}
	l := nobody.newLine(&http.Client{Transport: out, CheckRedirect: out.checkRedirect}, "this address")
	defer l.client.Client().CloseIdleConnections()
	ans, err := l.do(ctx, call{method: http.MethodPost, path: "app-manifests/" + url.PathEscape(code) + "/conversions", class: ordinary})
	if status, _ := answered(err); status == http.StatusNotFound || status == http.StatusUnprocessableEntity {
		return r, &SetupError{
			"GitHub does not know the code that it sent",
			"a code is good for one use within an hour: run kitops setup again",
		}
	}
	if err != nil {
		return r, err
	}
	if err := ans.decode(&r); err != nil {
		return r, err
	}
	r.APIURL = strings.TrimSuffix(where.api.String(), "/")
	return r, r.check(where)
}

// check makes sure that the answer is an App, on GitHub's own host, with a key that works.
func (r Registration) check(where address) error {
	if _, err := ParseKey([]byte(r.PEM.Reveal())); err != nil {
		return &DownError{errors.New("its answer holds no usable key of the App")}
	}
	if r.ID <= 0 || r.Name == "" || !strings.HasPrefix(r.HTMLURL, where.web+"/") {
		return &DownError{errors.New("its answer describes no App")}
	}
	return nil
}
