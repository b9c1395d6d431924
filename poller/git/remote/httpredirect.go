package remote

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// checkRedirect follows as git does: for the first request only, never from
// https to http, and never with credentials to another origin.
func checkRedirect(req *http.Request, via []*http.Request) error {
	origin := via[0]
	if origin.Method != http.MethodGet {
		return http.ErrUseLastResponse
	}
	if len(via) > 10 {
		return errors.New("too many redirects")
	}
	previous := via[len(via)-1].URL
	if req.URL.Scheme != "https" && (req.URL.Scheme != "http" || previous.Scheme == "https") {
		return fmt.Errorf("redirected from %s to %s, which is not safe to follow", previous.Scheme, req.URL.Scheme)
	}
	for _, hop := range append(via[1:len(via):len(via)], req) {
		if !sameOrigin(origin.URL, hop.URL) {
			req.Header.Del("Authorization")
		}
	}
	req.URL.User = nil // or net/http would authenticate with it
	return nil
}

// sameOrigin also takes the step from http to https on their usual ports.
func sameOrigin(from, to *url.URL) bool {
	upgrade := from.Scheme == "http" && to.Scheme == "https" && port(from) == "80" && port(to) == "443"
	return strings.EqualFold(from.Hostname(), to.Hostname()) &&
		(upgrade || from.Scheme == to.Scheme && port(from) == port(to))
}

func port(u *url.URL) string {
	if u.Port() == "" {
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Port()
}
