package gittest

import (
	"os"
	"path/filepath"
	"sync"
)

// Memo is what find answered when key was first asked for. The key names all
// that the answer depends on: a SHA, not a branch. Tests that run beside each
// other may share it, and none may change the answer.
func Memo[T any](r *Repo, key string, find func() T) T {
	answer, _ := r.memo.LoadOrStore(key, sync.OnceValue(find))
	return answer.(func() T)()
}

// Tip is where a branch of the bare repository is, and where its history is cut
// off, if it is.
func (r *Repo) Tip(branch string) (sha, shallow string) {
	r.tb.Helper()
	sha, err := r.readRef(r.Dir, "refs/heads/"+branch)
	if err != nil {
		sha = r.Bare("rev-parse", "refs/heads/"+branch)
	}
	cut, err := os.ReadFile(filepath.Join(r.Dir, "shallow"))
	if err != nil && !os.IsNotExist(err) {
		r.tb.Fatalf("%v", err)
	}
	return sha, string(cut)
}
