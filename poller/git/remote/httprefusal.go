package remote

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/bittrance/kitops/poller/secret"
)

const (
	maxSaid = 300      // bytes of a refusal that are repeated
	maxRead = 16 << 10 // and that are read, so that no secret is cut in two before it is found
)

// refusal says in words what a status means here, and what the server says of
// it in plain text, as git does. A page stays out.
func (s *httpSession) refusal(res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	err := meaning(res)
	if said := s.said(res); said != "" {
		return fmt.Errorf("%w (the server says: %q)", err, said)
	}
	return err
}

func meaning(res *http.Response) error {
	anonymous := res.Request.Header.Get("Authorization") == ""
	switch code := res.StatusCode; {
	case code == http.StatusUnauthorized && anonymous:
		return errors.New("authentication required: the repository is private or does not exist")
	case code == http.StatusUnauthorized:
		return ErrCredentials
	case code == http.StatusForbidden && anonymous:
		return errors.New("access denied: the server refuses this host or whoever does not authenticate")
	case code == http.StatusForbidden:
		return ErrDenied
	case code == http.StatusNotFound && anonymous:
		return errors.New("repository not found, or hidden from those who do not authenticate")
	case code == http.StatusNotFound:
		return ErrHidden
	case code == http.StatusProxyAuthRequired:
		return errors.New("the proxy wants credentials: write them into https_proxy (http://user:password@proxy)")
	case code == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "":
		return outOfOrder{fmt.Sprintf("%s, try again after %.40s", res.Status, printable(res.Header.Get("Retry-After")))}
	case code >= 300 && code < 400:
		return errors.New("the server redirects in the middle of the conversation")
	}
	answer := fmt.Sprintf("%.80s", printable(res.Status))
	if res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests {
		return outOfOrder{answer}
	}
	return fmt.Errorf("the server answered %s", answer)
}

// said is the beginning of a plain text, in one line and without the secret
// that it may repeat.
func (s *httpSession) said(res *http.Response) string {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "text/plain" {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxRead))
	if err != nil && len(text) == 0 {
		return ""
	}
	line := strings.Join(strings.Fields(string(text)), " ")
	for _, password := range []secret.Text{s.password, s.given.password} {
		if password.Given() {
			line = strings.ReplaceAll(line, password.Reveal(), password.String())
		}
	}
	if authorization := res.Request.Header.Get("Authorization"); authorization != "" {
		line = strings.ReplaceAll(line, strings.TrimPrefix(authorization, "Basic "), "***")
	}
	if user := s.given.user.Reveal(); len(user) >= 20 { // a token in the place of a name
		line = strings.ReplaceAll(line, user, "***")
	}
	return strings.ToValidUTF8(line[:min(len(line), maxSaid)], "")
}

// printable has no character that could mean something to a terminal.
func printable(s string) string {
	quoted := fmt.Sprintf("%q", s)
	return quoted[1 : len(quoted)-1]
}
