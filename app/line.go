package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/bittrance/kitops/poller/secret"
)

const (
	jsonMedia = "application/vnd.github+json"
	shaMedia  = "application/vnd.github.sha" // the answer is the SHA alone, and its ETag the same for every token

	maxAnswer = 64 << 20 // all refs of a very large repository
)

// line is one identity's way to the API. go-github remembers limits for each of its clients, so each line has its own.
type line struct {
	client  *github.Client
	gate    *gate
	timeout time.Duration

	answers *answers // the App's, counted
	hour    hour
}

// call is one request.
type call struct {
	method, path string      // the path is relative to the API, its parameters escaped
	body         any         // sent as JSON
	accept       string      // jsonMedia when empty
	etag         string      // of the answer that is known
	token        secret.Text // of the installation; empty on the App's own line
	scheme       string      // that of the token; Bearer when empty
	class        class
	needs        permission // besides the usual ones; zero: contents to read, or statuses to write for posts
}

// permission is one of an App, and how far it goes: checks, write.
type permission struct{ name, level string }

func (c call) String() string { return c.method + " /" + c.path }

// answer is a success, or a 304.
type answer struct {
	status     int
	etag       string
	header     http.Header
	body       []byte
	nextPage   int
	redirected bool // the repository has another name now
}

func (a answer) unchanged() bool { return a.status == http.StatusNotModified }

func (a answer) decode(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return &DownError{fmt.Errorf("its answer is malformed: %w", err)}
	}
	return nil
}

// do waits for its turn and makes the call, once.
func (l *line) do(ctx context.Context, c call) (answer, error) {
	if err := l.gate.enter(ctx, c.class, points(c.method)); err != nil {
		return answer{}, err
	}
	a, err := l.exchange(ctx, c)
	return a, l.gate.leave(err)
}

func (l *line) exchange(ctx context.Context, c call) (answer, error) {
	bounded, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	req, err := l.request(c)
	if err != nil {
		return answer{}, err
	}
	resp, err := l.client.BareDo(bounded, req)
	if resp == nil {
		l.answers.count(0)
		return answer{}, silence(ctx, c, err)
	}
	l.answers.count(resp.StatusCode)
	l.hour.note(resp.Rate)
	defer func() { _ = resp.Body.Close() }()
	if limit := limitOf(resp.Response, err); limit != nil {
		return answer{}, limit
	}
	if resp.Rate.Limit > 0 && resp.Rate.Remaining == 0 {
		l.gate.exhausted(afterReset(resp.Rate.Reset.Time))
	}
	a := answer{
		status: resp.StatusCode, etag: resp.Header.Get("ETag"), header: resp.Header, nextPage: resp.NextPage,
		redirected: resp.Request != nil && resp.Request.URL.Path != req.URL.Path,
	}
	switch {
	case a.status == http.StatusNotModified && c.etag != "":
		return a, nil
	case a.status >= http.StatusInternalServerError, a.status == http.StatusRequestTimeout:
		return a, &DownError{fmt.Errorf("%s: %d %s", c, a.status, messageOf(err))}
	case err != nil:
		return a, &answerError{c.String(), a.status, messageOf(err)}
	}
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return a, silence(ctx, c, err)
	}
	return a, nil
}

func (l *line) request(c call) (*http.Request, error) {
	req, err := l.client.NewRequest(c.method, c.path, c.body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	req.Header.Set("Accept", jsonMedia)
	if c.accept != "" {
		req.Header.Set("Accept", c.accept)
	}
	if c.etag != "" {
		req.Header.Set("If-None-Match", c.etag)
	}
	if c.token.Given() {
		req.Header.Set("Authorization", cmp.Or(c.scheme, "Bearer")+" "+c.token.Reveal())
	}
	return req, nil
}

// silence tells why there is no answer: the caller left, a redirect led astray, or the API is down.
func silence(ctx context.Context, c call, err error) error {
	stray, astray := errors.AsType[*strayError](err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", c, ctx.Err())
	case astray:
		return stray
	}
	return &DownError{err}
}

// messageOf returns what GitHub said about an error, safe to show.
func messageOf(err error) string {
	message := ""
	var response *github.ErrorResponse
	var abuse *github.AbuseRateLimitError
	switch {
	case errors.As(err, &response):
		message = response.Message
		for _, e := range response.Errors {
			if e.Message != "" {
				message += "; " + e.Message
			}
		}
		if message == "" && response.Response != nil {
			message = http.StatusText(response.Response.StatusCode)
		}
	case errors.As(err, &abuse):
		message = abuse.Message
	case err != nil:
		message = err.Error()
	}
	return quote(message)
}
