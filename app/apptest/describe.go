package apptest

import (
	"fmt"
	"strings"
)

func (g *GitHub) repositoryURL(r *Repository) string {
	return fmt.Sprintf("%s/repositories/%d", g.APIURL, r.ID)
}

// describeRepository is the description's full-repository, and with that also its repository and minimal-repository.
func (g *GitHub) describeRepository(r *Repository) fields {
	url, html := g.APIURL+"/repos/"+r.fullName(), g.URL+"/"+r.fullName()
	visibility := "public"
	if r.private {
		visibility = "private"
	}
	f := fields{
		"id": r.ID, "node_id": nodeID("Repository", r.ID), "name": r.name, "full_name": r.fullName(),
		"owner": g.describeAccount(r.owner), "private": r.private, "visibility": visibility,
		"url": url, "html_url": html, "clone_url": html + ".git", "svn_url": html,
		"git_url": "git" + strings.TrimPrefix(strings.TrimPrefix(html, "https"), "http") + ".git",
		"ssh_url": "git@" + strings.TrimPrefix(strings.TrimPrefix(g.URL, "https://"), "http://") + ":" + r.fullName() + ".git",
		"fork":    false, "is_template": false, "archived": r.archived, "disabled": r.disabled, "default_branch": r.defaultBranch.seen(g.age(), g.options.Lag.Default),
		"description": nil, "homepage": nil, "language": nil, "license": nil, "mirror_url": nil, "topics": []string{},
		"has_issues": true, "has_projects": true, "has_wiki": true, "has_downloads": true, "has_pages": false, "has_discussions": false,
		"allow_forking": true, "web_commit_signoff_required": false,
		"created_at": stamp(r.created), "updated_at": stamp(r.pushed), "pushed_at": stamp(r.pushed),
	}
	for _, count := range strings.Fields("forks forks_count open_issues open_issues_count watchers watchers_count stargazers_count " +
		"size network_count subscribers_count") {
		f[count] = 0
	}
	// The addresses that follow from their names alone, with the template variables GitHub puts behind them.
	for _, link := range strings.Fields("archive{/archive_format}{/ref} assignees{/user} branches{/branch} collaborators{/collaborator} " +
		"comments{/number} commits{/sha} compare/{base}...{head} contents/{+path} contributors deployments downloads events forks hooks " +
		"issues{/number} keys{/key_id} labels{/name} languages merges milestones{/number} notifications{?since,all,participating} " +
		"pulls{/number} releases{/id} stargazers statuses/{sha} subscribers subscription tags teams") {
		end := strings.IndexAny(link+"{", "/{")
		f[link[:end]+"_url"] = url + "/" + link
	}
	f["archive_url"] = url + "/{archive_format}{/ref}"
	f["blobs_url"] = url + "/git/blobs{/sha}"
	f["git_commits_url"] = url + "/git/commits{/sha}"
	f["git_refs_url"] = url + "/git/refs{/sha}"
	f["git_tags_url"] = url + "/git/tags{/sha}"
	f["trees_url"] = url + "/git/trees{/sha}"
	f["issue_comment_url"] = url + "/issues/comments{/number}"
	f["issue_events_url"] = url + "/issues/events{/number}"
	return f
}
