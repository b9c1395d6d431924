package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

const (
	infoRefs   = "/info/refs"
	uploadPack = "git-upload-pack"
)

// NewTransport is the http.Transport for mirrors to share: it keeps enough
// connections to one host for many of them, and follows http_proxy,
// https_proxy and no_proxy.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   30 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// httpSession is git's smart HTTP protocol,
// https://git-scm.com/docs/http-protocol. Credentials go to the origin of the
// address only.
type httpSession struct {
	client         *http.Client
	base           string // the repository, after redirects
	user, password string

	version2 bool // what requests are in
	blind    bool // that is assumed, and failure may mean that it is not so
	moved    bool // the greeting was redirected
}

func (m *Access) dialHTTP(ctx context.Context) (*httpSession, error) {
	s := &httpSession{
		client: &http.Client{Transport: m.Transport, CheckRedirect: checkRedirect},
		base:   strings.TrimRight(m.URL.String(), "/"),
		user:   m.URL.User, password: m.URL.Password,
	}
	if m.Auth == nil || s.user != "" || s.password != "" {
		return s, nil
	}
	if m.URL.Scheme != "https" && !m.URL.Loopback() {
		return nil, errors.New("credentials are sent over https only: change the address to https://")
	}
	var err error
	if s.user, s.password, err = m.Auth(ctx, m.URL.String()); err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	return s, nil
}

func (s *httpSession) greeting(ctx context.Context) (io.ReadCloser, error) {
	res, err := s.do(ctx, http.MethodGet, infoRefs+"?service="+uploadPack, nil)
	if err != nil {
		return nil, err
	}
	if kind := res.Header.Get("Content-Type"); kind != "application/x-"+uploadPack+"-advertisement" {
		_ = res.Body.Close()
		return nil, fmt.Errorf("the server answered with %.60q instead of git's smart protocol: is the address right?", kind)
	}
	return res.Body, s.follow(res)
}

// follow makes the rest of the conversation go where refs was redirected to.
func (s *httpSession) follow(res *http.Response) error {
	at := *res.Request.URL
	path, ok := strings.CutSuffix(at.EscapedPath(), infoRefs)
	if !ok {
		_ = res.Body.Close()
		return errors.New("redirected to something that is no git repository")
	}
	if res.Request.Header.Get("Authorization") == "" {
		s.user, s.password = "", ""
	}
	base := at.Scheme + "://" + at.Host + path
	s.moved, s.base = base != s.base, base
	return nil
}

func (s *httpSession) ask(ctx context.Context, request []byte) (io.ReadCloser, error) {
	res, err := s.do(ctx, http.MethodPost, "/"+uploadPack, request)
	if err != nil {
		return nil, err
	}
	if s.blind && res.Header.Get("Content-Type") != "application/x-"+uploadPack+"-result" {
		_ = res.Body.Close()
		return nil, errNotV2
	}
	return &drained{res.Body}, nil
}

// drained reads what little may be left, so that the connection can be used
// again.
type drained struct{ io.ReadCloser }

func (d *drained) Close() error {
	_, _ = io.CopyN(io.Discard, d.ReadCloser, 4096)
	return d.ReadCloser.Close()
}

func (s *httpSession) close() {}

func (s *httpSession) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("malformed address")
	}
	req.Header.Set("User-Agent", capability.DefaultAgent())
	if method == http.MethodGet || s.version2 {
		req.Header.Set("Git-Protocol", "version=2")
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-"+uploadPack+"-request")
		req.Header.Set("Accept", "application/x-"+uploadPack+"-result")
	}
	if s.user != "" || s.password != "" {
		req.SetBasicAuth(s.user, s.password)
	}
	res, err := s.client.Do(req)
	if err != nil {
		// The wrapper's text repeats the address, after redirects with whatever they carry.
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, CtxErr(ctx, err)
	}
	if err := s.refusal(res); err != nil {
		_ = res.Body.Close()
		if s.blind && !final(res.StatusCode) {
			err = fmt.Errorf("%w: %w", errNotV2, err)
		}
		return nil, err
	}
	return res, nil
}

// final says that asking in another way would give the same answer.
func final(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound
}

// refusal says in words what a status means here. The body stays out: it is
// often a page, and may echo the request.
func (s *httpSession) refusal(res *http.Response) error {
	anonymous := res.Request.Header.Get("Authorization") == ""
	switch code := res.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusUnauthorized && anonymous:
		return errors.New("authentication required: the repository is private or does not exist")
	case code == http.StatusUnauthorized:
		return ErrCredentials
	case code == http.StatusForbidden:
		return errors.New("access denied: these credentials may not read the repository")
	case code == http.StatusNotFound && anonymous:
		return errors.New("repository not found, or hidden from those who do not authenticate")
	case code == http.StatusNotFound:
		return errors.New("repository not found, or hidden from these credentials")
	case code >= 300 && code < 400:
		return errors.New("the server redirects in the middle of the conversation")
	}
	return fmt.Errorf("the server answered %s", res.Status)
}

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
