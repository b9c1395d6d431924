package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// delivery is an entry of the App's delivery log:
// https://docs.github.com/rest/apps/webhooks#list-deliveries-for-an-app-webhook
type delivery struct {
	ID           int64     `json:"id"`
	GUID         string    `json:"guid"`
	DeliveredAt  time.Time `json:"delivered_at"`
	Event        string    `json:"event"`
	Action       string    `json:"action"`
	RepositoryID int64     `json:"repository_id"`

	tries int // to read its payload, all in vain
}

// parseDeliveries reads a page of the log. Entries that could not be asked for are left out.
func parseDeliveries(body []byte) ([]delivery, error) {
	var page []delivery
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("delivery log: %w", err)
	}
	return slices.DeleteFunc(page, func(d delivery) bool { return d.ID <= 0 || d.DeliveredAt.IsZero() }), nil
}

// parseDelivery reads one entry with its payload.
func parseDelivery(body []byte) (Event, error) {
	var full struct {
		GUID    string `json:"guid"`
		Event   string `json:"event"`
		Request struct {
			Payload json.RawMessage `json:"payload"`
		} `json:"request"`
	}
	if err := json.Unmarshal(body, &full); err != nil {
		return Event{}, fmt.Errorf("delivery: %w", err)
	}
	e, err := Parse(full.Event, full.Request.Payload)
	e.GUID = full.GUID
	return e, err
}

// about tells what the entry may be about.
func (d delivery) about() subject {
	switch d.Event {
	case "push", "create", "delete", "repository":
		return aRepository
	case "pull_request":
		switch d.Action {
		case "opened", "reopened", "synchronize", "closed":
			return aRepository
		}
	case "issue_comment":
		if d.Action == "created" {
			return aRepository
		}
	case "pull_request_review":
		switch d.Action {
		case "submitted", "dismissed":
			return aRepository
		}
	case "check_run", "check_suite":
		switch d.Action {
		case "rerequested", "requested_action":
			return aClick
		case "completed":
			return aWord
		}
	case "status":
		return aWord
	case "installation", "installation_repositories", "installation_target":
		return anInstallation
	}
	return nothing
}

type subject int

const (
	nothing subject = iota
	aRepository
	anInstallation
	aClick // which is nothing without its payload
	aWord  // on a commit, of which the payload would not tell more that matters
)
