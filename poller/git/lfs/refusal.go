package lfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/bittrance/kitops/poller/git/remote"
)

// refusal says in words what a status of the batch API means, and what the server says of it.
func (s *Server) refusal(res *http.Response) error {
	said := s.said(res)
	err := s.meaning(res, said)
	if said != "" {
		err = fmt.Errorf("%w (the server says: %q)", err, said)
	}
	return err
}

func (s *Server) meaning(res *http.Response, said string) error {
	anonymous := res.Request.Header.Get("Authorization") == ""
	switch code := res.StatusCode; {
	case outOfBudget(code, said):
		return ErrBudget
	case code == http.StatusUnauthorized && anonymous:
		return errors.New("authentication required: what it has is not for everybody")
	case code == http.StatusUnauthorized:
		return remote.ErrCredentials
	case code == http.StatusForbidden && anonymous:
		return errors.New("access denied: the server refuses whoever does not authenticate")
	case code == http.StatusForbidden:
		return remote.ErrDenied
	case code == http.StatusNotFound && anonymous:
		return errors.New("there is no Git LFS for this repository, or it is hidden from those who do not authenticate")
	case code == http.StatusNotFound:
		return fmt.Errorf("there is no Git LFS for this repository: %w", remote.ErrHidden)
	case code == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "":
		return outOfOrder{fmt.Sprintf("%d, try again after %.40s", code, printable(res.Header.Get("Retry-After")))}
	case code >= 500 || code == http.StatusTooManyRequests:
		return outOfOrder{fmt.Sprint(code)}
	}
	return fmt.Errorf("the server answered %.80s", printable(res.Status))
}

// outOfBudget recognises the statuses of the specification, and the words of GitHub, which answers 403.
func outOfBudget(code int, said string) bool {
	return code == http.StatusInsufficientStorage || code == 509 || strings.Contains(strings.ToLower(said), "over its data quota")
}

// objectRefusal says so of one object.
func objectRefusal(p Pointer, e *objectError) error {
	said := printable(oneLine(e.Message))
	switch {
	case outOfBudget(e.Code, said):
		return p.wrong("%w", ErrBudget)
	case e.Code == http.StatusNotFound, e.Code == http.StatusGone:
		return p.wrong("it is not on the Git LFS server: was it pushed (git lfs push --all)?")
	case e.Code >= 500, e.Code == http.StatusTooManyRequests:
		return p.wrong("%w", outOfOrder{fmt.Sprint(e.Code)})
	}
	return p.wrong("the server answered %d (%q)", e.Code, said)
}

// outOfOrder is an answer that says so.
type outOfOrder struct{ status string }

func (e outOfOrder) Error() string        { return "the server answered " + e.status }
func (e outOfOrder) Is(target error) bool { return target == remote.ErrUnavailable }

// said is the message of a refusal, in one line and without the secrets that it may repeat. A page stays out.
func (s *Server) said(res *http.Response) string {
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<10))
	if err != nil && len(text) == 0 {
		return ""
	}
	var told struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &told) != nil {
		return ""
	}
	line := oneLine(told.Message)
	for _, value := range s.Header {
		line = strings.ReplaceAll(line, value.Reveal(), value.String())
		if _, credentials, ok := strings.Cut(value.Reveal(), " "); ok && credentials != "" {
			line = strings.ReplaceAll(line, credentials, "***")
		}
	}
	return line
}

func oneLine(s string) string {
	line := strings.Join(strings.Fields(s), " ")
	return strings.ToValidUTF8(line[:min(len(line), maxSaid)], "")
}

// printable has no character that could mean something to a terminal.
func printable(s string) string {
	quoted := fmt.Sprintf("%q", s)
	return quoted[1 : len(quoted)-1]
}
