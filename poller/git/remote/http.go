package remote

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/bittrance/kitops/poller/secret"
)

const (
	infoRefs   = "/info/refs"
	uploadPack = "git-upload-pack"
)

// httpSession is git's smart HTTP protocol,
// https://git-scm.com/docs/http-protocol. Credentials go to the origin of the
// address only.
type httpSession struct {
	client *http.Client
	agent  string
	given  httpAccount // of the address
	httpAccount

	version2 bool // what requests are in
	blind    bool // that is assumed, and failure may mean that it is not so
	moved    bool // the greeting was redirected
	plain    bool // the server knows nothing of git
}

// httpAccount is a place and who asks there.
type httpAccount struct {
	base           string // the repository, after redirects
	user, password secret.Text
}

func (m *Access) dialHTTP(ctx context.Context) (*httpSession, error) {
	s := &httpSession{
		client: &http.Client{Transport: m.Transport, CheckRedirect: checkRedirect},
		agent:  m.agent(),
		given:  httpAccount{strings.TrimRight(m.URL.String(), "/"), m.URL.User, m.URL.Password},
	}
	if m.Auth == nil || s.given.user.Given() || s.given.password.Given() {
		s.httpAccount = s.given
		return s, nil
	}
	if m.URL.Scheme != "https" && !m.URL.Loopback() {
		return nil, errors.New("credentials are sent over https only: change the address to https://")
	}
	user, password, err := m.Auth(ctx, m.URL.String())
	if err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	s.given.user, s.given.password = secret.New(user), password
	s.httpAccount = s.given
	return s, nil
}

// goTo asks in another place from now on, with the credentials only if that is
// on the same host.
func (s *httpSession) goTo(base string) {
	s.httpAccount = s.given
	from, err := url.Parse(s.given.base)
	to, err2 := url.Parse(base)
	if err != nil || err2 != nil || !sameOrigin(from, to) {
		s.user, s.password = secret.Text{}, secret.Text{}
	}
	s.base = base
}

func (s *httpSession) greeting(ctx context.Context) (io.ReadCloser, error) {
	res, err := s.do(ctx, http.MethodGet, infoRefs+"?service="+uploadPack, nil)
	if err != nil {
		return nil, err
	}
	if !answers(res, "advertisement") {
		list, said, ok := plainList(res.Body)
		if s.plain = ok; ok {
			return list, s.follow(res)
		}
		_ = res.Body.Close()
		return nil, fmt.Errorf("the server answered with %.60q instead of git's smart protocol, beginning with %q: is the address right?",
			res.Header.Get("Content-Type"), said)
	}
	return res.Body, s.follow(res)
}

// answers says whether the content is what git's protocol calls it. Parameters
// and case tell nothing.
func answers(res *http.Response, what string) bool {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && kind == "application/x-"+uploadPack+"-"+what
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
		s.user, s.password = secret.Text{}, secret.Text{}
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
	if s.blind && !answers(res, "result") {
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

// do asks once more where a connection was lost that had been used before: it
// may have been dead since then. Nothing that is asked here changes anything.
func (s *httpSession) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	res, reused, err := s.once(ctx, method, path, body)
	if err != nil && reused && ctx.Err() == nil {
		res, _, err = s.once(ctx, method, path, body)
	}
	if err != nil {
		return nil, CtxErr(ctx, withoutAddress(err))
	}
	if err := s.refusal(res); err != nil {
		_ = res.Body.Close()
		if s.blind && !final(res.StatusCode) {
			err = fmt.Errorf("%w: %w", errNotV2, err)
		}
		return nil, err
	}
	return res, unpacked(res)
}

// withoutAddress is err without the wrapper whose text repeats the address, after
// redirects with whatever they carry.
func withoutAddress(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// once is one request; reused says that it went over a connection that had
// carried others.
func (s *httpSession) once(ctx context.Context, method, path string, body []byte) (res *http.Response, reused bool, err error) {
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
	req, err := http.NewRequestWithContext(traced, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, false, errors.New("malformed address")
	}
	req.Header.Set("User-Agent", s.agent)
	req.Header.Set("Accept-Encoding", "identity") // packs are packed, and a small answer must not become a large one here
	if method == http.MethodGet || s.version2 {
		req.Header.Set("Git-Protocol", "version=2")
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-"+uploadPack+"-request")
		req.Header.Set("Accept", "application/x-"+uploadPack+"-result")
	}
	s.authorize(req)
	res, err = s.client.Do(req)
	return res, reused, err
}

// authorize tells the server who asks, if anybody.
func (s *httpSession) authorize(req *http.Request) {
	if s.user.Given() || s.password.Given() {
		req.SetBasicAuth(s.user.Reveal(), s.password.Reveal())
	}
}

// unpacked is for servers that pack whatever they are asked. Whoever reads the
// body bounds it.
func unpacked(res *http.Response) error {
	switch coding := strings.ToLower(res.Header.Get("Content-Encoding")); coding {
	case "", "identity":
	case "gzip", "x-gzip":
		body := res.Body
		z, err := gzip.NewReader(body)
		if err != nil {
			_ = body.Close()
			return fmt.Errorf("the answer is not packed as it says: %w", err)
		}
		res.Body = struct {
			io.Reader
			io.Closer
		}{z, body}
	default:
		_ = res.Body.Close()
		return fmt.Errorf("the server packs its answer with %.40q, which was not asked for", coding)
	}
	return nil
}

// final says that asking in another way would give the same answer.
func final(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusTooManyRequests
}
