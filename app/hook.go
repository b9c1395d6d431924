package app

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// Answer is one of the API's, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get asks as the App for a path of the API, with its query, for what is the App's own, such as its delivery log. It shares
// the limits of all other requests of the App. An answer with another status than 200 has only the message in its body, as
// JSON. The errors are those of a Repository.
func (a *App) Get(ctx context.Context, path string) (Answer, error) {
	ans, err := a.do(ctx, call{method: http.MethodGet, path: strings.TrimPrefix(path, "/"), class: ordinary})
	status, message := answered(err)
	if status == 0 {
		return Answer{ans.status, ans.header, ans.body}, err
	}
	body, err := json.Marshal(map[string]string{"message": message})
	return Answer{status, ans.header, body}, err
}

// DiagnoseHook tries what webhooks need, also those that are only read from the App's delivery log: an active webhook, and
// the events that tell of pushes.
func (a *App) DiagnoseHook(ctx context.Context) []Check {
	s, err := a.self(ctx)
	if err != nil {
		return []Check{failed("App "+a.id+" cannot be asked about", err)}
	}
	return []Check{a.diagnoseHook(ctx, s), s.diagnoseEvents()}
}

func (a *App) diagnoseHook(ctx context.Context, s self) Check {
	none := Check{Warn, "the App has no active webhook, so its delivery log stays empty", "tick \"Active\" and give it a webhook URL at " + s.settings(a.address.web) + ": https://kitops.invalid will do"}
	ans, err := a.Get(ctx, "app/hook/config")
	switch {
	case err != nil:
		return failed("the App's webhook cannot be asked about", err)
	case ans.Status == http.StatusNotFound:
		return none
	case ans.Status != http.StatusOK:
		return Check{Warn, "the App's webhook cannot be asked about", string(ans.Body)}
	}
	var config struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(ans.Body, &config); err != nil || config.URL == "" {
		return none
	}
	return Check{OK, "the App has a webhook, " + quote(config.URL), ""}
}

// diagnoseEvents wants what kitops' own manifest asks for, and push above all: without it nothing tells of new commits.
func (s self) diagnoseEvents() Check {
	var missing []string
	for _, event := range []string{"push", "create", "delete", "repository"} {
		if !slices.Contains(s.Events, event) {
			missing = append(missing, event)
		}
	}
	switch {
	case slices.Contains(missing, "push"):
		return Check{Warn, "the App is not subscribed to the event push, so no webhook tells of new commits", "tick Push under \"Permissions & events\" of the App's settings"}
	case len(missing) > 0:
		return Check{Warn, "the App is not subscribed to the events " + strings.Join(missing, ", "), "tick them under \"Permissions & events\" of the App's settings"}
	}
	return Check{OK, "the App is subscribed to the events that matter", ""}
}

// settings is where the App's owner sets it up.
func (s self) settings(web string) string {
	if s.Owner.Type == "Organization" {
		return web + "/organizations/" + s.Owner.Login + "/settings/apps/" + s.Slug
	}
	return web + "/settings/apps/" + s.Slug
}
