package runners

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/bittrance/kitops/poller/secret"
)

// session is the one through which GitHub tells of jobs. A scale set has one at a time.
type session struct {
	ID         string      `json:"sessionId"`
	Queue      string      `json:"messageQueueUrl"`
	Token      secret.Text `json:"messageQueueAccessToken"`
	Statistics *statistics `json:"statistics"`

	service *service
	set     int64
}

// message is a batch of news.
type message struct {
	ID         int64
	Statistics *statistics
	Jobs       []job
}

// job is what GitHub says of one.
type job struct {
	Kind       string `json:"messageType"` // JobAvailable, JobAssigned, JobStarted, JobCompleted
	ID         int64  `json:"runnerRequestId"`
	RunnerName string `json:"runnerName"`
	Result     string `json:"result"`
	Repository string `json:"repositoryName"`
	Owner      string `json:"ownerName"`
	Title      string `json:"jobDisplayName"`
}

// told is what of it concerns the member that has its runner.
func (j job) told() Told {
	t := Told{Runner: j.RunnerName, Title: j.Title, Result: j.Result}
	if j.Repository != "" {
		t.Of = j.Owner + "/" + j.Repository
	}
	return t
}

func sessionsPath(set int64) string { return fmt.Sprintf("%s/%d/sessions", setsPath, set) }

// openSession begins one under a name that others are told.
func (s *service) openSession(ctx context.Context, set int64, owner string) (*session, error) {
	made := &session{service: s, set: set}
	err := s.ask(ctx, request{method: http.MethodPost, path: sessionsPath(set), body: map[string]string{"ownerName": owner}, into: made})
	if err != nil {
		return nil, err
	}
	return made, made.check()
}

// check refuses a session that leads nowhere.
func (m *session) check() error {
	if m.Queue == "" || !m.Token.Given() {
		return &malformed{errors.New("a session without a queue")}
	}
	_, err := safe(m.Queue)
	return err
}

// closeSession ends one, also of a kitops that was killed. That there is none any more is no error.
func (s *service) closeSession(ctx context.Context, set int64, id string) error {
	err := s.ask(ctx, request{method: http.MethodDelete, path: sessionsPath(set) + "/" + url.PathEscape(id)})
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusBadRequest {
		return nil
	}
	return err
}

// refresh gets the session a new token.
func (m *session) refresh(ctx context.Context) error {
	fresh := session{}
	err := m.service.ask(ctx, request{method: http.MethodPatch, path: sessionsPath(m.set) + "/" + url.PathEscape(m.ID), into: &fresh})
	if err == nil {
		err = fresh.check()
	}
	if err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	m.Queue, m.Token = fresh.Queue, fresh.Token
	return nil
}

// renewed calls f, once more with a new token where that of the session has ended.
func (m *session) renewed(ctx context.Context, f func() error) error {
	err := f()
	if statusOf(err) != http.StatusUnauthorized {
		return err
	}
	if err := m.refresh(ctx); err != nil {
		return err
	}
	return f()
}

// next waits for the message after last, nil for none in the time that GitHub gives. Room is how many jobs may be assigned together.
func (m *session) next(ctx context.Context, last int64, room int) (got *message, err error) {
	err = m.renewed(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, pollLimit)
		defer cancel()
		u, err := safe(m.Queue)
		if err != nil {
			return err
		}
		if last > 0 {
			query := u.Query()
			query.Set("lastMessageId", strconv.FormatInt(last, 10))
			u.RawQuery = query.Encode()
		}
		header := http.Header{"Accept": {"application/json; api-version=" + apiVersion}}
		header.Set("X-ScaleSetMaxCapacity", strconv.Itoa(room))
		var raw json.RawMessage
		status, err := m.service.send(ctx, http.MethodGet, u, m.Token, nil, &raw, header)
		if err != nil || status != http.StatusOK {
			return err
		}
		got, err = parseMessage(raw)
		return err
	})
	return got, err
}

// parseMessage reads a message and the batch in it, of which kinds that are not known are left out.
func parseMessage(data []byte) (*message, error) {
	var envelope struct {
		MessageID   int64
		MessageType string
		Body        string
		Statistics  *statistics
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return nil, &malformed{err}
	}
	if envelope.MessageType != "RunnerScaleSetJobMessages" {
		return nil, &malformed{fmt.Errorf("a message of the type %q", plain(envelope.MessageType, 80))}
	}
	m := &message{ID: envelope.MessageID, Statistics: envelope.Statistics}
	if strings.TrimSpace(envelope.Body) == "" {
		return m, nil
	}
	if err := json.Unmarshal([]byte(envelope.Body), &m.Jobs); err != nil {
		return nil, &malformed{err}
	}
	for i := range m.Jobs {
		j := &m.Jobs[i]
		j.RunnerName = plain(j.RunnerName, 100)
		j.Repository, j.Owner, j.Title, j.Result = plain(j.Repository, 100), plain(j.Owner, 100), plain(j.Title, 100), plain(j.Result, 40)
	}
	return m, nil
}

// acquire takes jobs that are offered, and returns those that it got.
func (m *session) acquire(ctx context.Context, ids []int64) (got []int64, err error) {
	err = m.renewed(ctx, func() error {
		var answer listing[int64]
		err := m.service.ask(ctx, request{
			method: http.MethodPost, path: fmt.Sprintf("%s/%d/acquirejobs", setsPath, m.set), body: ids, into: &answer, token: m.Token,
		})
		got = answer.Value
		return err
	})
	return got, err
}

// acknowledge deletes a message: it is not told again.
func (m *session) acknowledge(ctx context.Context, id int64) error {
	return m.renewed(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, askLimit)
		defer cancel()
		u, err := safe(m.Queue)
		if err != nil {
			return err
		}
		_, err = m.service.send(ctx, http.MethodDelete, u.JoinPath(strconv.FormatInt(id, 10)), m.Token, nil, nil, nil)
		if statusOf(err) == http.StatusNotFound {
			return nil
		}
		return err
	})
}
