package settings

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// FoundMark stands between the name of a configured task and the repository.
const FoundMark = "@"

// On is the task on one of the repositories that it selects.
func (t Task) On(owner, name string, id int64, url git.URL) Task {
	t.Configured, t.Name = t.Name, t.Name+FoundMark+owner+"/"+name
	t.Repos, t.URL, t.RepositoryID = nil, url, strconv.FormatInt(id, 10)
	return t.digested(url.String())
}

// Stands tells whether a name is that of a task on one of the repositories.
func (t Task) Stands(name string) bool {
	repository, found := strings.CutPrefix(name, t.Name+FoundMark)
	return found && strings.Count(repository, "/") == 1 && !strings.Contains(repository, FoundMark)
}

// Patterns tells whether any task selects its repositories.
func (s Settings) Patterns() bool {
	return slices.ContainsFunc(s.Tasks, func(t Task) bool { return t.Repos != nil })
}
