package webhook

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/bittrance/kitops/poller/hosts"
)

const (
	signatureHeader = "X-Hub-Signature-256"
	maxDrain        = maxBody + 8<<20
)

// receive answers POST /webhook. Nothing of the request is looked at before its size is known to be bearable and its signature
// to be right; nothing is done about it before the answer.
func (s *Server) receive(c echo.Context) error {
	if s.o.Secrets == nil {
		answer(c, http.StatusNotFound, "webhooks are off: this agent has no webhook secret")
		return nil
	}
	r := c.Request()
	body, release, status := s.read(r, hosts.ClientOf(c.RealIP()))
	defer release()
	switch {
	case status != 0:
		s.refuse(c, status, explain(status))
		return nil
	case !s.o.Secrets.Verify(r.Header.Get(signatureHeader), body):
		s.refuse(c, http.StatusUnauthorized, "the signature is missing or wrong")
		return nil
	}
	body, err := payloadOf(r.Header.Get("Content-Type"), body)
	if err != nil {
		s.refuse(c, http.StatusBadRequest, err.Error())
		return nil
	}
	event, err := Parse(r.Header.Get("X-GitHub-Event"), body)
	if errors.Is(err, ErrNotJSON) {
		s.refuse(c, http.StatusBadRequest, "neither JSON nor a form with a payload")
		return nil
	}
	if err != nil {
		s.o.Log.Debug("webhook ignored", "err", err)
	}
	s.accept(c, event)
	return nil
}

// accept queues the event and answers.
func (s *Server) accept(c echo.Context, event Event) {
	event.GUID, event.At, event.Verified = c.Request().Header.Get("X-GitHub-Delivery"), time.Now(), true
	if event.matters() {
		select {
		case s.queue <- event:
		default:
			s.refuse(c, http.StatusServiceUnavailable, "busy")
			return
		}
	}
	counter(s.o.Count).of(event)
	if s.o.Seen != nil {
		s.o.Seen.Add(event.GUID)
	}
	if event.Name == "ping" {
		answer(c, http.StatusOK, "pong")
		return
	}
	answer(c, http.StatusAccepted, "accepted")
}

// read returns the body, or the status to answer. What is refused is read to its end, as long as that is near: who writes
// before reading would otherwise never see the answer.
func (s *Server) read(r *http.Request, client netip.Prefix) (body []byte, release func(), status int) {
	release = func() {}
	switch _, signed := parseSignature(r.Header.Get(signatureHeader)); {
	case r.ContentLength > maxBody:
		status = http.StatusRequestEntityTooLarge
	case !signed:
		status = http.StatusUnauthorized
	default:
		var err error
		body, release, err = s.intake.read(client, r.Body, r.ContentLength)
		status = statusOf(err)
	}
	if status != 0 {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
	}
	return body, release, status
}

func statusOf(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFull):
		return http.StatusServiceUnavailable
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest // cut off
}

func explain(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return "more than 25 MB"
	case http.StatusServiceUnavailable:
		return "busy"
	case http.StatusUnauthorized:
		return "the signature is missing or malformed"
	}
	return strings.ToLower(http.StatusText(status))
}

// refuse answers and counts: strangers do not get a line in the log for each try.
func (s *Server) refuse(c echo.Context, status int, why string) {
	result := Refused
	if status == http.StatusServiceUnavailable {
		result = Busy
		c.Response().Header().Set("Retry-After", "10")
	}
	counter(s.o.Count).note(result)
	answer(c, status, why)
	if n := s.refused.note(); n > 0 {
		s.o.Log.Warn("webhook refused", "status", status, "reason", why, "client", c.RealIP(), "count", n)
	}
}
