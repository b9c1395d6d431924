package lfs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/secret"
)

const maxRedirects = 5

// ErrBudget says that what an account may fetch of Git LFS is used up. It lasts until somebody pays or a month ends.
var ErrBudget = errors.New("the Git LFS budget of the repository's owner is used up: buy more, or wait for the next month")

// Server is where the objects of a repository are.
type Server struct {
	remote.LFSServer
	Repo *url.URL // where the repository is: what is on that host may be http if that is

	Own   http.RoundTripper // to the host of Repo
	Other http.RoundTripper // to any other; it must not lead to where nobody from outside can get
}

// RoundTrip goes to the host of the repository, or to another one.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := s.allowed(req.URL); err != nil {
		return nil, err
	}
	if s.isOwn(req.URL) {
		return s.Own.RoundTrip(req)
	}
	return s.Other.RoundTrip(req)
}

func (s *Server) isOwn(u *url.URL) bool { return strings.EqualFold(u.Hostname(), s.Repo.Hostname()) }

// allowed refuses addresses that the answer of a server must not lead to.
func (s *Server) allowed(u *url.URL) error {
	switch {
	case u.Hostname() == "":
	case u.Scheme == "https", u.Scheme == "http" && s.Repo.Scheme == "http" && s.isOwn(u):
		return nil
	}
	return fmt.Errorf("refused: the Git LFS server leads to %.100q, and only https is followed", u.Scheme+"://"+u.Host)
}

// client asks. What goes along does not follow a redirect: of a question it does to the same origin, of an object to nowhere.
func (s *Server) client(sticky bool) *http.Client {
	return &http.Client{Transport: s, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		first, last := via[0], via[len(via)-1]
		switch {
		case len(via) > maxRedirects:
			return errors.New("too many redirects")
		case req.Method != first.Method:
			return errors.New("redirected to something else than the batch API")
		case req.URL.Scheme != "https" && last.URL.Scheme == "https":
			return errors.New("redirected from https to http, which is not safe to follow")
		}
		if sticky && first.URL.Scheme == req.URL.Scheme && strings.EqualFold(first.URL.Host, req.URL.Host) {
			return nil
		}
		kept := http.Header{}
		for _, name := range []string{"User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Range"} {
			if v := first.Header.Get(name); v != "" && (sticky || name != "Content-Type" && name != "Accept") {
				kept.Set(name, v)
			}
		}
		req.Header, req.URL.User = kept, nil // or net/http would authenticate with it
		return nil
	}}
}

// do is one request. What of the header is not to be set by others is left out.
func (s *Server) do(ctx context.Context, client *http.Client, req *http.Request, header map[string]secret.Text) (*http.Response, error) {
	req = req.WithContext(ctx)
	for name, value := range header {
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Range", "Accept-Encoding", "Upgrade", "Te", "Trailer", "Proxy-Authorization", "Expect":
		default:
			req.Header.Set(name, value.Reveal())
		}
	}
	req.Header.Set("User-Agent", s.Agent)
	res, err := client.Do(req)
	if err == nil {
		return res, nil
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // whose text repeats the address, which may be signed
		err = wrapped.Err
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, err
}
