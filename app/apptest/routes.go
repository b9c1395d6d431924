package apptest

import (
	"net/http"
	"strings"
)

// apiRoutes is the REST API. Anything else is 404, also with the wrong method.
func (g *GitHub) apiRoutes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*call) *answer) { mux.Handle(pattern, endpoint{g, f}) }

	handle("GET /rate_limit", g.getRateLimit)
	handle("GET /app", g.asApp(g.getApp))
	handle("GET /app/installations", g.asApp(g.listInstallations))
	handle("GET /app/installations/{installation}", g.asApp(g.getInstallation))
	handle("POST /app/installations/{installation}/access_tokens", g.asApp(g.postAccessToken))
	handle("GET /app/hook/config", g.asApp(g.getHookConfig))
	handle("PATCH /app/hook/config", g.asApp(g.patchHookConfig))
	handle("GET /app/hook/deliveries", g.asApp(g.listDeliveries))
	handle("GET /app/hook/deliveries/{delivery}", g.asApp(g.getDelivery))
	handle("POST /app/hook/deliveries/{delivery}/attempts", g.asApp(g.postAttempt))
	handle("GET /orgs/{account}/installation", g.asApp(g.getAccountInstallation("Organization")))
	handle("POST /orgs/{org}/actions/runners/registration-token", g.postOrgRegistrationToken)
	handle("GET /orgs/{org}/actions/runner-groups", g.getRunnerGroups)
	handle("GET /users/{account}/installation", g.asApp(g.getAccountInstallation("User")))
	handle("GET /installation/repositories", g.listRepositories)
	handle("GET /user", g.asUser(g.getUser))
	handle("GET /user/installations", g.asUser(g.listUserInstallations))
	handle("GET /user/installations/{installation}/repositories", g.asUser(g.listUserRepositories))
	handle("DELETE /applications/{client}/token", g.deleteUserToken)
	handle("POST /app-manifests/{code}/conversions", g.postConversion)

	// Where a renamed repository redirects to is the same API by number.
	for _, repo := range []string{"/repos/{owner}/{repo}", "/repositories/{id}"} {
		handle("GET "+repo+"/installation", g.asApp(g.getRepositoryInstallation))
		handle("GET "+repo, g.onRepository("metadata", "read", g.getRepository))
		handle("GET "+repo+"/collaborators/{username}/permission", g.onRepository("metadata", "read", g.getPermission))
		handle("GET "+repo+"/branches", g.onRepository("contents", "read", g.listBranches))
		handle("GET "+repo+"/branches/{branch...}", g.onRepository("contents", "read", g.getBranch))
		handle("GET "+repo+"/activity", g.onRepository("contents", "read", g.listActivities))
		handle("GET "+repo+"/commits/{ref...}", g.getUnderCommits)
		handle("GET "+repo+"/git/ref/{ref...}", g.onRepository("contents", "read", g.getRef))
		handle("GET "+repo+"/git/matching-refs/{ref...}", g.onRepository("contents", "read", g.listMatchingRefs))
		handle("GET "+repo+"/pulls", g.onRepository("pull_requests", "read", g.listPulls))
		handle("GET "+repo+"/pulls/{number}", g.onRepository("pull_requests", "read", g.getPull))
		handle("GET "+repo+"/pulls/{number}/reviews", g.onRepository("pull_requests", "read", g.listReviews))
		handle("GET "+repo+"/issues/comments", g.onRepository("pull_requests", "read", g.listComments))
		handle("GET "+repo+"/rules/branches/{branch...}", g.onRepository("metadata", "read", g.listRules))
		handle("GET "+repo+"/environments/{environment}", g.onRepository("actions", "read", g.getEnvironment))
		handle("GET "+repo+"/deployments", g.onRepository("deployments", "read", g.listDeployments))
		handle("POST "+repo+"/deployments", g.onRepository("deployments", "write", g.postDeployment))
		handle("GET "+repo+"/deployments/{deployment}/statuses", g.onRepository("deployments", "read", g.listDeploymentStatuses))
		handle("POST "+repo+"/deployments/{deployment}/statuses", g.onRepository("deployments", "write", g.postDeploymentStatus))
		handle("GET "+repo+"/issues/{number}/{comment}", g.onRepository("pull_requests", "read", g.getComments))
		handle("POST "+repo+"/issues/{number}/comments", g.onRepository("pull_requests", "write", g.postComment))
		handle("PATCH "+repo+"/issues/comments/{comment}", g.onRepository("pull_requests", "write", g.patchComment))
		handle("POST "+repo+"/issues/comments/{comment}/reactions", g.onRepository("pull_requests", "write", g.postReaction))
		handle("POST "+repo+"/actions/runners/registration-token", g.onRepository("administration", "write", g.postRepositoryRegistrationToken))
		handle("POST "+repo+"/statuses/{sha}", g.onRepository("statuses", "write", g.postStatus))
		handle("POST "+repo+"/check-runs", g.onRepository("checks", "write", g.postCheckRun))
		handle("PATCH "+repo+"/check-runs/{check}", g.onRepository("checks", "write", g.patchCheckRun))
		handle("GET "+repo+"/check-runs/{check}", g.onRepository("checks", "read", g.getCheckRun))
		handle("GET "+repo+"/check-runs/{check}/annotations", g.onRepository("checks", "read", g.listAnnotations))
		handle("GET "+repo+"/check-suites/{suite}/check-runs", g.onRepository("checks", "read", g.listSuiteRuns))
		handle("GET "+repo+"/check-suites/{suite}", g.onRepository("checks", "read", g.getCheckSuite))
		handle("PATCH "+repo+"/check-suites/preferences", g.onRepository("administration", "write", g.patchPreferences))
	}
	handle("/", func(*call) *answer { return notFound() })
	return mux
}

// getUnderCommits parts what ServeMux cannot: refs have several segments, and more may follow them.
func (g *GitHub) getUnderCommits(c *call) *answer {
	ref := c.PathValue("ref")
	if commit, ok := strings.CutSuffix(ref, "/status"); ok {
		c.SetPathValue("ref", commit)
		return g.onRepository("statuses", "read", g.getCombinedStatus)(c)
	}
	if commit, ok := strings.CutSuffix(ref, "/statuses"); ok {
		c.SetPathValue("ref", commit)
		return g.onRepository("statuses", "read", g.listStatuses)(c)
	}
	for suffix, list := range map[string]func(*call, *Repository) *answer{"/check-runs": g.listCheckRuns, "/check-suites": g.listCheckSuites} {
		if commit, ok := strings.CutSuffix(ref, suffix); ok {
			c.SetPathValue("ref", commit)
			return g.onRepository("checks", "read", list)(c)
		}
	}
	if commit, ok := strings.CutSuffix(ref, "/pulls"); ok {
		c.SetPathValue("ref", commit)
		return g.onRepository("pull_requests", "read", g.listPullsOfCommit)(c)
	}
	return g.onRepository("contents", "read", g.getCommit)(c)
}

// asApp lets only the App itself in, by its JWT.
func (g *GitHub) asApp(f func(*call, *App) *answer) func(*call) *answer {
	return func(c *call) *answer {
		if c.who.kind != AsApp {
			return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
		}
		return f(c, c.who.app)
	}
}

// onRepository lets those in who hold the permission at that level on the repository of the path,
// and follows renames with a redirect.
func (g *GitHub) onRepository(permission, level string, f func(*call, *Repository) *answer) func(*call) *answer {
	return func(c *call) *answer {
		r, renamed := g.repositoryNamed(c)
		if a := access(c.who, r, permission, level); a != nil {
			return a
		}
		if renamed {
			return g.redirect(c, r)
		}
		if r.disabled {
			return refuse(http.StatusForbidden, "Repository access blocked")
		}
		return f(c, r)
	}
}

// access is nil when who may. Who may not even see the repository is told that there is none.
func access(who identity, r *Repository, permission, level string) *answer {
	if who.kind == AsInstallation {
		if a := who.token.refusal(); a != nil {
			return a
		}
	}
	if r == nil {
		return notFound()
	}
	covered := who.kind == AsInstallation && who.token.reaches(r)
	switch {
	case covered && who.token.may(permission, level):
		return nil
	case !r.private && level == "read" && who.kind != AsApp:
		return nil
	case r.private && !covered:
		return notFound()
	case who.kind == Anonymous:
		return refuse(http.StatusUnauthorized, "Requires authentication")
	}
	return refuse(http.StatusForbidden, "Resource not accessible by integration").
		with("X-Accepted-GitHub-Permissions", permission+"="+level)
}

// redirect answers for a repository that was renamed or transferred.
func (g *GitHub) redirect(c *call, r *Repository) *answer {
	segments := strings.SplitN(c.URL.EscapedPath(), "/", 5) // "", repos, owner, repo, rest
	location := g.repositoryURL(r)
	if len(segments) == 5 {
		location += "/" + segments[4]
	}
	if c.URL.RawQuery != "" {
		location += "?" + c.URL.RawQuery
	}
	status, message := http.StatusTemporaryRedirect, "Temporary Redirect"
	if c.Method == http.MethodGet || c.Method == http.MethodHead {
		status, message = http.StatusMovedPermanently, "Moved Permanently"
	}
	a := refuse(status, message).with("Location", location)
	a.body.(fields)["url"] = location
	return a
}
