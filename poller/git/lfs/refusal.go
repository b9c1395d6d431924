package lfs

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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
		return outOfOrder{fmt.Sprintf("%d, try again after %.40s", code, printable(s.repeat(res.Header.Get("Retry-After"))))}
	case code >= 500 || code == http.StatusTooManyRequests:
		return outOfOrder{fmt.Sprint(code)}
	}
	return fmt.Errorf("the server answered %s", status(res))
}

// outOfBudget recognises the statuses of the specification, and the words of GitHub, which answers 403.
func outOfBudget(code int, said string) bool {
	return code == http.StatusInsufficientStorage || code == 509 || strings.Contains(strings.ToLower(said), "over its data quota")
}

// objectRefusal says so of one object.
func (s *Server) objectRefusal(p Pointer, e *objectError) error {
	said := s.repeat(e.Message)
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
	return s.repeat(told.Message)
}

// repeat is what a server says, in one line and without what it was asked with. That is hidden before the rest is cut off,
// or the beginning of it would stay.
func (s *Server) repeat(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	for _, value := range s.Header {
		for _, secret := range inside(value.Reveal()) {
			line = strings.ReplaceAll(line, secret, "***")
		}
	}
	return strings.ToValidUTF8(line[:min(len(line), maxSaid)], "")
}

// inside are the secrets of a header field, the longest first: the value, its credentials, and those in words.
func inside(value string) []string {
	all := []string{value}
	if _, credentials, ok := strings.Cut(value, " "); ok {
		all = append(all, credentials)
		if pair, err := base64.StdEncoding.DecodeString(credentials); err == nil {
			_, password, _ := strings.Cut(string(pair), ":")
			all = append(all, string(pair), password)
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// status is that of an answer in our words, not in those of the server.
func status(res *http.Response) string {
	return strings.TrimSpace(fmt.Sprint(res.StatusCode, " ", http.StatusText(res.StatusCode)))
}

// printable has no character that could mean something to a terminal.
func printable(s string) string {
	quoted := fmt.Sprintf("%q", s)
	return quoted[1 : len(quoted)-1]
}
