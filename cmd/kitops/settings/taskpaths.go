package settings

import (
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// paths are the patterns of a key that selects what concerns a task.
func (f taskFile) paths(keys *texts) git.PathPatterns {
	if len(keys.entries) > maxPatterns {
		f.Wrong(keys.node, "paths: %d patterns are more than %d", len(keys.entries), maxPatterns)
	}
	var paths git.PathPatterns
	for _, entry := range keys.entries {
		if entry.value == "" {
			continue
		}
		f.judge(entry.node, "path", git.PathPatterns{entry.value}.Validate())
		paths = append(paths, entry.value)
	}
	return paths
}

// Concerns are the paths that a file of the repository names, and the file: what it says may have changed.
func (b Bring) Concerns(paths git.PathPatterns) git.PathPatterns {
	if len(paths) == 0 {
		return nil
	}
	if !slices.ContainsFunc(paths, func(p string) bool { return !strings.HasPrefix(p, "!") }) {
		paths = append(git.PathPatterns{"**"}, paths...)
	}
	return append(paths, literally(b.File))
}

// literally is a pattern that matches one path only.
func literally(path string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]", "{", "[{]", "!", "[!]").Replace(path)
}
