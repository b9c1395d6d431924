package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	apiTimeout   = time.Minute // with the wait for a turn
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

// Answer is one of the API's, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// LaterError says that GitHub wants to be left alone until a time.
type LaterError struct {
	At  time.Time
	Err error
}

func (e *LaterError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *LaterError) Unwrap() error { return e.Err }

// hookAPI asks GitHub about the App's webhook.
type hookAPI struct {
	ask    func(ctx context.Context, path string) (Answer, error)
	budget budget
}

type apiAnswer struct {
	body []byte
	date time.Time // GitHub's clock
	next string    // cursor of the next page
}

// get asks for a path of the API. The error is a *limitedError when GitHub wants to be left alone.
func (a *hookAPI) get(ctx context.Context, path string, query url.Values) (apiAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	target := path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	ans, err := a.ask(ctx, target)
	if later, ok := errors.AsType[*LaterError](err); ok {
		return apiAnswer{}, &limitedError{later.At, fmt.Errorf("GET %s: %w", path, err)}
	}
	if err != nil {
		return apiAnswer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	a.note(ans.Header)
	if ans.Status != http.StatusOK {
		return apiAnswer{}, a.refusal(path, ans)
	}
	date, err := http.ParseTime(ans.Header.Get("Date"))
	if err != nil {
		date = time.Now()
	}
	return apiAnswer{ans.Body, date, nextCursor(ans.Header)}, nil
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

func (a *hookAPI) refusal(path string, ans Answer) error {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(ans.Body, &said) // proxies answer with pages
	err := &refusedError{ans.Status, fmt.Sprintf("GET %s: %d %s", path, ans.Status, printable(shortened(said.Message)))}
	if ans.Status != http.StatusForbidden && ans.Status != http.StatusTooManyRequests {
		return err
	}
	if seconds, bad := strconv.ParseUint(ans.Header.Get("Retry-After"), 10, 16); bad == nil {
		return &limitedError{time.Now().Add(time.Duration(seconds) * time.Second), err}
	}
	switch {
	case a.budget.limit > 0 && a.budget.remaining == 0:
		return &limitedError{a.budget.reset, err}
	case ans.Status == http.StatusTooManyRequests, strings.Contains(strings.ToLower(said.Message), "rate limit"):
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
