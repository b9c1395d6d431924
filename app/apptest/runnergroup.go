package apptest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// runnerGroups are those of every organization, by id.
func runnerGroups() map[int64]string { return map[int64]string{1: "Default", 7: "trusted"} }

// listGroups is of the service for runners, which knows nothing of public repositories.
func (g *GitHub) listGroups(r *http.Request, _ []byte, _ string) (int, any) {
	all := []fields{}
	for id, name := range runnerGroups() {
		if strings.EqualFold(name, r.URL.Query().Get("groupName")) {
			all = append(all, fields{"id": id, "name": name, "isDefaultGroup": id == 1})
		}
	}
	return http.StatusOK, fields{"count": len(all), "value": all}
}

// getRunnerGroups is of the REST API.
func (g *GitHub) getRunnerGroups(c *call) *answer {
	i, no := g.registersRunners(c)
	if no != nil {
		return no
	}
	groups := runnerGroups()
	var ids []int64
	for id := range groups {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return paged(g, c, ids, func(page []int64) any {
		return fields{"total_count": len(ids), "runner_groups": each(page, func(id int64) fields {
			url := fmt.Sprintf("%s/orgs/%s/actions/runner-groups/%d", g.APIURL, i.account.Login, id)
			return fields{
				"id": id, "name": groups[id], "visibility": "all", "default": id == 1, "runners_url": url + "/runners", "inherited": false,
				"allows_public_repositories": groups[id] == g.options.Runners.Public, "restricted_to_workflows": false, "selected_workflows": []string{},
				"workflow_restrictions_read_only": false, "hosted_runners_url": url + "/hosted-runners",
			}
		})}
	})
}

// registersRunners is the installation on an organization that asks, or why it may not.
func (g *GitHub) registersRunners(c *call) (*Installation, *answer) {
	if c.who.kind != AsInstallation {
		return nil, refuse(http.StatusUnauthorized, "Requires authentication")
	}
	i := c.who.token.installation
	if !strings.EqualFold(i.account.Login, c.PathValue("org")) {
		return nil, notFound()
	}
	if !c.who.token.may("organization_self_hosted_runners", "write") {
		return nil, refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	return i, nil
}

func (g *GitHub) postOrgRegistrationToken(c *call) *answer {
	i, no := g.registersRunners(c)
	if no != nil {
		return no
	}
	return g.postRegistrationToken(i.account.Login)
}
