package app

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// door is where every request leaves through: to the API's own address, or not at all.
type door struct {
	api   *url.URL
	clock *clock
	next  http.RoundTripper
}

// strayError is a request, or a redirect, away from the API.
type strayError struct{ to string }

func (e *strayError) Error() string {
	return fmt.Sprintf("GitHub's API redirects to %s, where its credentials must not go: check --github-api-url", e.to)
}

func (d *door) leads(u *url.URL) bool {
	return u.Scheme == d.api.Scheme && strings.EqualFold(u.Host, d.api.Host) && strings.HasPrefix(u.Path, d.api.Path)
}

// RoundTrip keeps credentials at home and reads GitHub's clock from the answer.
func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	if !d.leads(req.URL) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, &strayError{req.URL.Scheme + "://" + req.URL.Host}
	}
	sent := time.Now()
	resp, err := d.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	d.clock.learn(resp.Header, sent)
	d.clock.translate(resp.Header)
	if req.Header.Get("Authorization") != "" {
		disown(resp)
	}
	if resp.StatusCode >= http.StatusBadRequest && resp.Header.Get("X-RateLimit-Remaining") != "0" {
		resp.Header.Del("X-RateLimit-Reset") // go-github would take the end of the hour for that of a secondary limit
	}
	return resp, nil
}

// disown keeps the limit of this host's address apart from the App's own. GitHub counts whom it does not recognise by the
// address, which all hosts behind a router share: where that is used up, it says so instead of refusing the credentials.
func disown(resp *http.Response) {
	const ofAnAddress = "60" // an hour
	refused := resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusTooManyRequests
	if refused && resp.Header.Get("X-RateLimit-Limit") == ofAnAddress && resp.Header.Get("X-RateLimit-Remaining") == "0" {
		resp.StatusCode, resp.Status = http.StatusUnauthorized, "401 "+http.StatusText(http.StatusUnauthorized)
	}
	if resp.StatusCode != http.StatusUnauthorized {
		return
	}
	for _, name := range []string{"Limit", "Remaining", "Used", "Reset", "Resource"} {
		resp.Header.Del("X-RateLimit-" + name)
	}
}

// checkRedirect follows what GitHub says of renamed repositories, and nothing else.
func (d *door) checkRedirect(req *http.Request, via []*http.Request) error {
	if !d.leads(req.URL) || req.Method != via[0].Method || len(via) > 3 {
		return &strayError{req.URL.Scheme + "://" + req.URL.Host}
	}
	return nil
}

// CloseIdleConnections is for http.Client's.
func (d *door) CloseIdleConnections() {
	(&http.Client{Transport: d.next}).CloseIdleConnections()
}
