package poller

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// pulled is a change of a pull request in GitHub's words:
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request.
type pulled struct {
	Action      string         `json:"action"`
	Number      int            `json:"number"`
	PullRequest map[string]any `json:"pull_request"`
	Before      string         `json:"before,omitempty"`
	After       string         `json:"after,omitempty"`
	Repository  map[string]any `json:"repository"`
	Sender      map[string]any `json:"sender"`
}

// pullPayload says what the host does of a pull request, or, where that was not asked, what its ref tells.
func pullPayload(address string, run Run, told Told) pulled {
	p := pulled{Action: "opened", Sender: sender(), PullRequest: map[string]any{}}
	if run.Before != "" {
		p.Action, p.Before, p.After = "synchronize", run.Before, run.Revision.SHA
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(run.Revision.Ref, pullPrefix), "/")
	p.Number, _ = strconv.Atoi(number)
	head := map[string]any{"sha": run.Revision.SHA}
	if run.Pull != nil {
		maps.Copy(p.PullRequest, run.Pull.Payload)
		if len(run.Pull.Payload) == 0 {
			p.PullRequest["base"] = map[string]any{"ref": run.Pull.Base}
			head["repo"] = map[string]any{"full_name": run.Pull.HeadRepository}
		}
	}
	if p.PullRequest["head"] == nil {
		p.PullRequest["number"], p.PullRequest["head"], p.PullRequest["state"] = p.Number, head, "open"
	}
	if by, ok := p.PullRequest["user"].(map[string]any); ok {
		p.Sender = by
	}
	base, _ := p.PullRequest["base"].(map[string]any)
	if there, ok := base["repo"].(map[string]any); ok && told.Repository == nil {
		told.Repository = there
	}
	p.Repository = repositoryOf(address, told)
	if p.PullRequest["html_url"] == nil {
		p.PullRequest["html_url"] = fmt.Sprintf("%s/pull/%d", p.Repository["html_url"], p.Number)
	}
	return p
}
