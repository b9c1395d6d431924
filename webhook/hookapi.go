package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	apiTimeout   = 30 * time.Second
	maxAPIAnswer = 32 << 20 // a payload of 25 MB and its headers
	limitedPause = time.Minute
)

// budget is what is left of a rate limit, as the latest answer had it.
type budget struct {
	limit, remaining int
	reset            time.Time
}

// refusedError is an answer other than 200.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string { return e.text }

// limitedError is the end of a rate limit.
type limitedError struct {
	until time.Time
	err   error
}

func (e *limitedError) Error() string { return e.err.Error() }
func (e *limitedError) Unwrap() error { return e.err }

// hookAPI asks GitHub about the App's webhook. Its client signs as the App.
type hookAPI struct {
	client *http.Client
	url    string
	budget budget
}

type apiAnswer struct {
	body []byte
	date time.Time // GitHub's clock
	next string    // cursor of the next page
}

// get asks for a path below the API's URL. The error is a *limitedError when GitHub wants to be left alone.
func (a *hookAPI) get(ctx context.Context, path string, query url.Values) (apiAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	target := strings.TrimSuffix(a.url, "/") + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return apiAnswer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("User-Agent", "kitops")
	resp, err := a.client.Do(req)
	if err != nil {
		return apiAnswer{}, fmt.Errorf("GET %s: %w", path, bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	a.note(resp.Header)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAPIAnswer))
	if resp.StatusCode != http.StatusOK {
		return apiAnswer{}, a.refusal(path, resp, body)
	}
	if err != nil {
		return apiAnswer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		date = time.Now()
	}
	return apiAnswer{body, date, nextCursor(resp.Header)}, nil
}

// note keeps the budget: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
func (a *hookAPI) note(h http.Header) {
	limit, e1 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	remaining, e2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, e3 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if errors.Join(e1, e2, e3) != nil {
		a.budget = budget{} // such as Enterprise Server without limits
		return
	}
	a.budget = budget{limit, remaining, time.Unix(reset, 0)}
}

func (a *hookAPI) refusal(path string, resp *http.Response, body []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &said) // proxies answer with pages
	err := &refusedError{resp.StatusCode, fmt.Sprintf("GET %s: %d %s", path, resp.StatusCode, printable(shortened(said.Message)))}
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return err
	}
	if seconds, bad := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16); bad == nil {
		return &limitedError{time.Now().Add(time.Duration(seconds) * time.Second), err}
	}
	switch {
	case a.budget.limit > 0 && a.budget.remaining == 0:
		return &limitedError{a.budget.reset, err}
	case resp.StatusCode == http.StatusTooManyRequests, strings.Contains(strings.ToLower(said.Message), "rate limit"):
		return &limitedError{time.Now().Add(limitedPause), err}
	}
	return err
}

func shortened(s string) string {
	const longest = 200
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// nextCursor takes of the Link header what is ours to decide on: not the address.
func nextCursor(h http.Header) string {
	for link := range strings.SplitSeq(strings.Join(h.Values("Link"), ","), ",") {
		target, rel, _ := strings.Cut(link, ";")
		if !strings.Contains(rel, `rel="next"`) {
			continue
		}
		if u, err := url.Parse(strings.Trim(target, " <>")); err == nil {
			return u.Query().Get("cursor")
		}
	}
	return ""
}

// bare takes the URL out of a client's error.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// active tells whether the App has a webhook at all.
func (a *hookAPI) active(ctx context.Context) (bool, error) {
	ans, err := a.get(ctx, "/app/hook/config", nil)
	if refused, ok := errors.AsType[*refusedError](err); ok && refused.status == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var config struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(ans.body, &config); err != nil {
		return false, fmt.Errorf("webhook configuration: %w", err)
	}
	return config.URL != "", nil
}
