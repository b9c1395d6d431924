package runners

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/poller/secret"
)

const (
	apiVersion = "6.0-preview"
	pollLimit  = 60 * time.Second // GitHub answers a poll after 50 s at the latest
	askLimit   = 20 * time.Second // any other request
	maxAnswer  = 16 << 20
	spare      = time.Minute // before its end a token is replaced
)

// Access is where GitHub's service for runners is, with the token for it.
type Access struct {
	URL   string
	Token secret.Text
}

// service is GitHub's service for the runners of one organization or repository.
type service struct {
	connect   func(context.Context) (Access, error)
	userAgent string
	http      *http.Client

	mu      sync.Mutex // also held while access is asked for
	access  Access
	expires time.Time
}

// refusal is what the service answers instead of what was asked for.
type refusal struct {
	status        int
	kind, message string // RunnerScaleSetNotFoundException
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("GitHub's service for runners answers %d", r.status)
	if r.kind != "" {
		text += " " + r.kind
	}
	if r.message != "" {
		text += ": " + r.message
	}
	return text
}

// refused tells whether an error is a refusal of that kind.
func refused(err error, kind string) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && strings.Contains(r.kind, kind)
}

func statusOf(err error) int {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.status
	}
	return 0
}

// newService has connections of its own: polls keep them busy for a minute each.
func newService(connect func(context.Context) (Access, error), userAgent string) *service {
	const silence = 5 * time.Second
	dialer := &net.Dialer{Timeout: 2 * silence, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * silence, Interval: silence, Count: 3}}
	return &service{connect: connect, userAgent: userAgent, http: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			HTTP2:        &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence},
			MaxIdleConns: 8, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 2 * silence,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (s *service) close() { s.http.CloseIdleConnections() }

// admit returns the access, a new one where the last is about to end or stale is its token.
func (s *service) admit(ctx context.Context, stale secret.Text) (Access, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access.Token.Given() && s.access.Token != stale && time.Until(s.expires) > spare {
		return s.access, nil
	}
	found, err := s.connect(ctx)
	if err != nil {
		return Access{}, err
	}
	if _, err := safe(found.URL); err != nil {
		return Access{}, err
	}
	s.access, s.expires = found, expiry(found.Token)
	return found, nil
}

// expiry is when a token ends by its own words, by this host's clock. One that does not say is good for a while.
func expiry(token secret.Text) time.Time {
	claims := struct {
		Exp int64 `json:"exp"`
		Iat int64 `json:"iat"`
		Nbf int64 `json:"nbf"`
	}{}
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) == 3 {
		text, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
		_ = json.Unmarshal(text, &claims) // then it says nothing
	}
	made := max(claims.Iat, claims.Nbf)
	switch {
	case claims.Exp > 0 && made > 0:
		return time.Now().Add(time.Duration(claims.Exp-made) * time.Second)
	case claims.Exp > 0:
		return time.Unix(claims.Exp, 0)
	}
	return time.Now().Add(10 * time.Minute)
}

// safe parses an address that a token may be sent to.
func safe(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return nil, errors.New("GitHub names no address for its service for runners")
	case u.Scheme != "https" && (u.Scheme != "http" || !hosts.Loopback(u.Hostname())):
		return nil, fmt.Errorf("the address %s://%s that GitHub names for its service for runners is not https", u.Scheme, u.Host)
	}
	return u, nil
}

// request is one to the service. Its answer goes into a pointer, unless that is nil.
type request struct {
	method, path string
	query        url.Values
	body, into   any
	token        secret.Text // of a message session; none: the service's own
}

// ask makes a request, with a new token where the old one is refused. What may have been done is not asked for twice.
func (s *service) ask(ctx context.Context, r request) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var stale secret.Text
	for {
		access, err := s.admit(ctx, stale)
		if err != nil {
			return err
		}
		u, err := safe(access.URL)
		if err != nil {
			return err
		}
		token := r.token
		if !token.Given() {
			token = access.Token
		}
		u = u.JoinPath(r.path)
		query := u.Query()
		for name, values := range r.query {
			query[name] = values
		}
		query.Set("api-version", apiVersion)
		u.RawQuery = query.Encode()
		_, err = s.send(ctx, r.method, u, token, r.body, r.into, nil)
		if statusOf(err) != http.StatusUnauthorized || r.token.Given() || stale.Given() {
			return err
		}
		stale = access.Token
	}
}

// send makes one request. The status is that of a success.
func (s *service) send(ctx context.Context, method string, u *url.URL, token secret.Text, body, into any, header http.Header) (status int, err error) {
	var data []byte
	if body != nil {
		if data, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(data))
	if err != nil {
		return 0, errors.New("make a request to GitHub's service for runners") // the address may hold a secret
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.userAgent)
	resp, err := s.http.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the address
		}
		return 0, fmt.Errorf("GitHub's service for runners at %s does not answer: %w", u.Host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return 0, refusalOf(resp.StatusCode, data)
	}
	if err != nil {
		return 0, fmt.Errorf("GitHub's service for runners at %s broke off its answer: %w", u.Host, err)
	}
	if into != nil && resp.StatusCode != http.StatusAccepted && resp.StatusCode != http.StatusNoContent {
		if err := json.Unmarshal(data, into); err != nil {
			return 0, &malformed{err}
		}
	}
	return resp.StatusCode, nil
}

// malformed is a success that says nothing.
type malformed struct{ err error }

func (m *malformed) Error() string {
	return "the answer of GitHub's service for runners makes no sense: " + m.err.Error()
}

func refusalOf(status int, body []byte) *refusal {
	var said struct{ TypeName, Message string }
	_ = json.Unmarshal(body, &said) // else the status has to do
	kind := said.TypeName
	if name, _, parted := strings.Cut(kind, ","); parted {
		kind = name
	}
	kind = kind[strings.LastIndexByte(kind, '.')+1:]
	return &refusal{status, plain(kind, 80), plain(said.Message, 300)}
}

// plain is foreign text that can be shown.
func plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}
